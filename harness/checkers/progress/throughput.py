"""How many messages were finished per second while every call hung, against another arm's figure.

Finished means acknowledged, by the broker's own count: a message that is requeued is not finished. Rates are per second
of incident time as the worker's timers count it (real seconds × ``time_scale``), so that they compare with the report's
0.04 and 0.17 msg/s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Name, Number, Strict
from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord

_WINDOW_MIN_S = 2.0  # the broker's counts lag by a second: a shorter window would measure the lag


class Throughput(Strict):
    """Messages finished per second during these phases, which follow one another, as a multiple of another arm's."""

    against: Name
    at_least: Annotated[Number, Field(gt=0)]
    during: Annotated[tuple[Name, ...], Field(min_length=1)]


def finished_per_s(trial: TrialRecord, phases: Sequence[str], time_scale: float) -> float | None:
    """Return messages finished per second of incident time from the first of ``phases`` to the end of the last.

    None where that is too short, or was not sampled.
    """
    spans = [span for span in trial.phases if span.name in phases]
    if not spans:
        return None
    start_s, end_s = min(span.start_s for span in spans), max(span.end_s for span in spans)
    inside = [sample for sample in trial.queue if start_s <= sample.t_s <= end_s]
    if not inside or inside[-1].t_s - inside[0].t_s < _WINDOW_MIN_S:
        return None
    finished = inside[-1].acked - inside[0].acked
    return finished / (inside[-1].t_s - inside[0].t_s) / time_scale


def check(case: Case, expected: Throughput) -> CheckResult:
    """Pass where this arm finished at least ``at_least`` times the other's, and more than none."""
    threshold = f"at least {expected.at_least:g} × {expected.against}'s, and above 0"
    other = case.run.trial(expected.against)
    scale = case.run.manifest.time_scale
    mine = finished_per_s(case.trial, expected.during, scale)
    theirs = finished_per_s(other, expected.during, scale) if other else None
    if mine is None or theirs is None:
        missing = case.arm if mine is None else expected.against
        detail = "The phases were too short or were never played."
        return case.result(CHECK.name, Verdict.UNKNOWN, f"{missing} was not measured", threshold, detail)
    measured = f"{mine:.3f} msg/s against {theirs:.3f} msg/s"
    verdict = Verdict.PASS if mine > 0 and mine >= expected.at_least * theirs else case.missed
    return case.result(CHECK.name, verdict, measured, threshold)


CHECK = Check("throughput while hanging", check, Throughput, key="throughput", phases=("during",), other_arm="against")
