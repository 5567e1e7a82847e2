"""How often was the worker started again, for whatever reason it had ended?

Counts incarnations; ``kills`` judges what was killed in them. A worker that recycles itself has restarts and no kills.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.record import EndedBy, Verdict
from harness.record.facts import restarts

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult


class RestartsAtMost(Strict):
    """The worker is started again no more often than this, whoever ended it and however."""

    count: Annotated[Whole, Field(ge=0)]


class OneIncarnation(Strict):
    """The worker runs once, and the harness ends it: no restart, no end before the trial's, chosen or not."""


def check_restarts(case: Case, expected: RestartsAtMost) -> CheckResult:
    """Pass with so many restarts or fewer; unknown where the worker was never started."""
    threshold = f"at most {expected.count} restarts"
    if not case.trial.incarnations:
        return case.result(RESTARTS.name, Verdict.UNKNOWN, "the worker was never started", threshold)
    count = restarts(case.trial)
    verdict = Verdict.PASS if count <= expected.count else case.missed
    return case.result(RESTARTS.name, verdict, f"{count} restarts", threshold, _ends(case) if count else "")


def check_one(case: Case) -> CheckResult:
    """Pass with one incarnation that the harness ended; unknown where its end is not on record."""
    threshold = "one incarnation, ended by the harness"
    incarnations = case.trial.incarnations
    if not incarnations:
        return case.result(ONE.name, Verdict.UNKNOWN, "the worker was never started", threshold)
    measured = "one incarnation" if len(incarnations) == 1 else f"{len(incarnations)} incarnations"
    early = [each for each in incarnations if each.ended_by not in (EndedBy.HARNESS, EndedBy.UNKNOWN)]
    if early:
        return case.result(ONE.name, case.missed, measured, threshold, _ends(case))
    if len(incarnations) > 1 or incarnations[0].ended_by == EndedBy.UNKNOWN:
        detail = "The record of the worker's end is missing."
        return case.result(ONE.name, Verdict.UNKNOWN, measured, threshold, detail)
    return case.result(ONE.name, Verdict.PASS, measured, threshold)


def _ends(case: Case) -> str:
    """Say how the first incarnation ended that did so before the trial was over."""
    early = next((each for each in case.trial.incarnations if each.ended_by != EndedBy.HARNESS), None)
    if early is None:
        return ""
    how = f"exit status {early.exit_status}, ended by {early.ended_by.value}"
    return f"Incarnation {early.index}: {how}. See the log worker-{early.index}."


RESTARTS = Check("restarts", check_restarts, RestartsAtMost, key="restarts_at_most")
ONE = Check("one incarnation", check_one, OneIncarnation, key="one_incarnation", excludes=("restarts_at_most",))
