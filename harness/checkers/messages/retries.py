"""Do the retry jobs meet the dependency as a herd? How many calls were open at once while they ran.

The jobs run when the worker is gone, so every call that arrives then is theirs. Whether an event was processed twice
is ``accounted``'s to judge.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.checkers.case import Case
    from harness.record import CheckResult, DependencyCall, TrialRecord

_BEGAN, _ENDED = "retry_job_began", "retry_job_ended"


class RetriesOpenAtMost(Strict):
    """While the retry jobs of the drain run, the dependency has no more calls open than this, and they are no herd."""

    calls: Annotated[Whole, Field(ge=1)]
    events_at_least: Annotated[Whole, Field(ge=1)] = 1  # retried: fewer would be another herd


def check(case: Case, expected: RetriesOpenAtMost) -> CheckResult:
    """Pass where no more calls were open; unknown where no job ran to its end, or too few events were retried."""
    threshold = f"at most {expected.calls} calls open at once, for at least {expected.events_at_least} events"
    calls = _calls_of_the_jobs(case.trial)
    if calls is None:
        return case.result(CHECK.name, Verdict.UNKNOWN, "no retry job ran to its end", threshold)
    events = len({call.message_id for call in calls})
    open_max = most_open(calls)
    measured = f"at most {open_max} calls open at once, for {events} events{_pace(calls)}"
    if open_max > expected.calls:
        return case.result(CHECK.name, case.missed, measured, threshold)
    if events < expected.events_at_least:
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, "Too few events waited to make a herd.")
    return case.result(CHECK.name, Verdict.PASS, measured, threshold)


def most_open(calls: Sequence[DependencyCall]) -> int:
    """Return how many calls were open at once at most; one that ends as another begins makes room for it."""
    ends = [(call.arrived_s + call.duration_s, -1) for call in calls if call.duration_s is not None]
    changes = sorted([*ends, *((call.arrived_s, 1) for call in calls)])
    return max(accumulate(change for _, change in changes), default=0)


def _calls_of_the_jobs(trial: TrialRecord) -> list[DependencyCall] | None:
    began = [event.t_s for event in trial.events if event.kind == _BEGAN]
    if not began or sum(event.kind == _ENDED for event in trial.events) < len(began):
        return None
    return [call for call in trial.calls if call.primary and call.arrived_s >= began[0]]


def _pace(calls: Sequence[DependencyCall]) -> str:
    span_s = max((call.arrived_s for call in calls), default=0.0) - min((call.arrived_s for call in calls), default=0.0)
    return f", {len(calls) / span_s:.0f} calls a second" if span_s > 0 else ""


CHECK = Check("retries at once", check, RetriesOpenAtMost, key="retries_open_at_most")
