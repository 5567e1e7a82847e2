"""Runs the checks over a run and merges what they say: the worst verdict of all is the run's.

Used by the commands. A check that crashes is *unknown*, and says how it crashed; it knows nothing of what one checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from harness.checkers.case import Case, PlannedFault, PlannedPhase
from harness.checkers.check import MadeOf
from harness.checkers.registry import all_checks
from harness.judging.metrics import figures
from harness.judging.tables import metric_rows, minute_rows
from harness.record import CheckResult, Judgement, Role, Verdict
from harness.scenario import schedule_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.checkers.check import Check
    from harness.record import RunRecord, TrialRecord
    from harness.scenario import Scenario

PLAYED = "arm played"
CRASHED = "the checker crashed"

_Told = TypeVar("_Told")


def judge(run: RunRecord, scenario: Scenario) -> Judgement:
    """Return the verdict of ``run``: every arm of the scenario, each by its checks, the worst of all winning."""
    checks = [result for arm in scenario.arms for result in _judge_arm(arm, run, scenario)]

    def told(what: str, tell: Callable[[], _Told]) -> _Told | None:
        try:
            return tell()
        except Exception as error:  # noqa: BLE001 - as a check's crash: unknown, and the rest stands
            crash = f"{type(error).__name__}: {error}"
            checks.append(CheckResult(what, next(iter(scenario.arms)), Verdict.UNKNOWN, CRASHED, "a table", crash))
            return None

    metrics = told("before and after", lambda: metric_rows(run, scenario)) or ()
    minutes = told("minute table", lambda: minute_rows(run, scenario)) or ()
    numbers = told("figures", lambda: figures(run, scenario)) or {}
    verdict = Verdict.worst(result.verdict for result in checks)
    return Judgement(verdict, tuple(checks), metrics, minutes, numbers)


def case_of(arm: str, trial: TrialRecord, run: RunRecord, scenario: Scenario) -> Case:
    """Return an arm's case: its trial, and what the scenario planned for it."""
    faults = tuple(PlannedFault(each.key, each.fault.fault, each.fault.silences) for each in schedule_of(scenario))
    return Case(arm, trial, run, scenario.arms[arm].role, tuple(_phases(scenario)), faults)


def _phases(scenario: Scenario) -> Iterator[PlannedPhase]:
    """Yield the phases with the dependency's rules in force in each: its own, or those of the phase before."""
    key, shares = "", dict[str, float]()
    for phase in scenario.timeline:
        if phase.dependency is not None:
            key, shares = f"{phase.phase}.dependency", dict(phase.dependency.faulty_shares)
        yield PlannedPhase(phase.phase, key, shares)


def _judge_arm(arm: str, run: RunRecord, scenario: Scenario) -> Iterator[CheckResult]:
    trial = run.trial(arm)
    if trial is None:
        detail = "The run was cut off before."
        yield CheckResult(PLAYED, arm, Verdict.UNKNOWN, "never played", "every arm is played", detail)
        return
    case = case_of(arm, trial, run, scenario)
    expect = scenario.arms[arm].expect
    for check in all_checks():
        thresholds = expect.thresholds_of(check)
        if thresholds is not None or _is_made_anyway(check, case):
            yield _made(check, case, thresholds)


def _is_made_anyway(check: Check, case: Case) -> bool:
    return check.made_of is MadeOf.EVERY or (check.made_of is MadeOf.HOLDING and case.role == Role.AFTER)


def _made(check: Check, case: Case, thresholds: object) -> CheckResult:
    try:
        return check(case, thresholds)
    except Exception as error:  # noqa: BLE001 - whatever a check trips over, the verdict is unknown, never pass
        return case.result(check.name, Verdict.UNKNOWN, CRASHED, "a verdict", f"{type(error).__name__}: {error}")
