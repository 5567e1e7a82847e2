"""Did every fault of the schedule come, take effect, and heal? By the fault events that the timeline wrote.

Made of every arm of a scenario with faults. A fault that was not asked for, was never seen in force, or was not healed,
makes every other verdict worthless: unknown, never fail, since the worker is not to blame. pika-mem0's rules of a phase
are ``workload``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict
from harness.scenario import schedule_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.base import Case
    from harness.record import CheckResult
    from harness.scenario import FaultOccurrence

NAME = "faults healed"
_REASONS_SHOWN_MAX = 10  # a flapping link has dozens of pulses; ten are enough to see what went wrong


def check(case: Case) -> CheckResult:
    """Pass where each occurrence of the schedule has its three fault events, in order."""
    schedule = schedule_of(case.scenario)
    faults = f"{len(schedule)} faults" if len(schedule) != 1 else "1 fault"
    threshold = f"{faults}: asked for, in force, healed"
    reasons = list(_reasons(case, schedule))
    measured = f"{len(schedule) - len(reasons)} of {faults} came, took effect and healed"
    if not reasons:
        return case.result(NAME, Verdict.PASS, measured, threshold)
    return case.result(NAME, Verdict.UNKNOWN, measured, threshold, "; ".join(reasons[:_REASONS_SHOWN_MAX]))


def _reasons(case: Case, schedule: tuple[FaultOccurrence, ...]) -> Iterator[str]:
    """Yield for each occurrence that did not come as it should what it lacks."""
    moments: dict[tuple[object, str], float] = {}
    failures: dict[object, str] = {}
    for event in case.trial.events:
        key = event.data.get("key")
        moments.setdefault((key, event.kind), event.t_s)
        if event.kind == "fault_failed":
            failures[key] = f"{event.data.get('what')}: {event.data.get('why')}"
    for each in schedule:
        name = f"{each.fault.fault} ({each.key})"
        asked, in_force, healed = (
            moments.get((each.key, kind)) for kind in ("fault_requested", "fault_in_force", "fault_healed")
        )
        if each.key in failures:
            yield f"{name} {failures[each.key]}"
        elif asked is None:
            yield f"{name} was never asked for: its phase ended before"
        elif in_force is None or in_force < asked:
            yield f"{name} was asked for and never seen in force"
        elif healed is None or healed < in_force:
            yield f"{name} was in force and never seen healed"
