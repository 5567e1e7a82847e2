"""Runs the checkers over a run and merges what they say: the worst verdict of all is the run's.

Used by the commands. A checker that crashes is *unknown*, and says how it crashed; it knows nothing of what one checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from harness.checkers import (
    accounted,
    alerts,
    answered,
    back_at_baseline,
    deferred,
    failures,
    fault_events,
    fidelity,
    healthy_again,
    hung_calls,
    limit,
    loops,
    loses,
    memory_budget,
    memory_growth,
    oom,
    prefetch,
    processed,
    recovery,
    repeats,
    retries,
    throughput,
    whole_record,
    workload,
)
from harness.checkers.base import Case
from harness.checkers.metrics import figures
from harness.checkers.tables import metric_rows, minute_rows
from harness.record import CheckResult, Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.record import RunRecord
    from harness.scenario import Expect, Scenario

PLAYED = "arm played"
CRASHED = "the checker crashed"
# The checks that every arm is put through, whatever its scenario expects: they make the others worth anything.
PRECONDITIONS = frozenset(
    {
        PLAYED,
        whole_record.RECORD,
        whole_record.DRAINED,
        limit.NAME,
        workload.PUBLISHED,
        workload.IN_TIME,
        workload.FAULTS,
    }
)

_Told = TypeVar("_Told")


def judge(run: RunRecord, scenario: Scenario) -> Judgement:
    """Return the verdict of ``run``: every arm of the scenario, each by its checkers, the worst of all winning."""
    checks = [result for arm in scenario.arms for result in _judge_arm(arm, run, scenario)]

    def told(what: str, tell: Callable[[], _Told]) -> _Told | None:
        try:
            return tell()
        except Exception as error:  # noqa: BLE001 - as a checker's crash: unknown, and the rest stands
            crash = f"{type(error).__name__}: {error}"
            checks.append(CheckResult(what, next(iter(scenario.arms)), Verdict.UNKNOWN, CRASHED, "a table", crash))
            return None

    metrics = told("before and after", lambda: metric_rows(run, scenario)) or ()
    minutes = told("minute table", lambda: minute_rows(run, scenario)) or ()
    numbers = told("figures", lambda: figures(run, scenario)) or {}
    verdict = Verdict.worst(result.verdict for result in checks)
    return Judgement(verdict, tuple(checks), metrics, minutes, numbers)


def _judge_arm(arm: str, run: RunRecord, scenario: Scenario) -> Iterator[CheckResult]:
    trial = run.trial(arm)
    if trial is None:
        detail = "The run was cut off before."
        yield CheckResult(PLAYED, arm, Verdict.UNKNOWN, "never played", "every arm is played", detail)
        return
    case = Case(arm, trial, run, scenario)
    for name, checker in _checkers(case, scenario.arms[arm].expect):
        try:
            yield checker()
        except Exception as error:  # noqa: BLE001 - whatever a checker trips over, the verdict is unknown, never pass
            detail = f"{type(error).__name__}: {error}"
            yield case.result(name, Verdict.UNKNOWN, CRASHED, "a verdict", detail)


def _checkers(case: Case, expect: Expect) -> Iterator[tuple[str, Callable[[], CheckResult]]]:
    """Yield the checkers of one arm: those that make the others worth anything first."""
    yield whole_record.RECORD, lambda: whole_record.check_record(case)
    yield limit.NAME, lambda: limit.check(case)
    yield workload.PUBLISHED, lambda: workload.check_published(case)
    yield workload.IN_TIME, lambda: workload.check_in_time(case)
    yield workload.FAULTS, lambda: workload.check_faults(case)
    if any(phase.faults for phase in case.scenario.timeline):
        yield fault_events.NAME, lambda: fault_events.check(case)
    if case.spec.role == "after":
        yield whole_record.DRAINED, lambda: whole_record.check_drained(case)
    yield from _of_memory(case, expect)
    yield from _of_messages(case, expect)
    if (count := expect.effective_prefetch) is not None:
        yield prefetch.NAME, lambda: prefetch.check(case, count)
    if (fit := expect.fidelity) is not None:
        yield fidelity.NAME, lambda: fidelity.check(case, fit)


def _of_memory(case: Case, expect: Expect) -> Iterator[tuple[str, Callable[[], CheckResult]]]:
    """Yield the checkers of whether the worker lived, how high memory went, how it grew, and where it ended."""
    if (killed := expect.oom_killed) is not None:
        yield oom.KILLED, lambda: oom.check_killed(case, killed)
    if expect.never_killed is not None:
        yield oom.SURVIVED, lambda: oom.check_survived(case)
    if (budget := expect.memory_budget) is not None:
        yield memory_budget.NAME, lambda: memory_budget.check(case, budget)
    if (over := expect.over_budget) is not None:
        yield memory_budget.OVER, lambda: memory_budget.check_over(case, over)
    if (hung := expect.hung_calls_budget) is not None:
        yield hung_calls.NAME, lambda: hung_calls.check(case, hung)
    if (slope := expect.memory_growth) is not None:
        yield memory_growth.NAME, lambda: memory_growth.check(case, slope)
    if (healthy := expect.returns_to_healthy) is not None:
        yield healthy_again.NAME, lambda: healthy_again.check(case, healthy)
    if (baseline := expect.returns_to_baseline) is not None:
        yield back_at_baseline.NAME, lambda: back_at_baseline.check(case, baseline)


def _of_messages(case: Case, expect: Expect) -> Iterator[tuple[str, Callable[[], CheckResult]]]:
    """Yield the checkers of what became of the messages."""
    if expect.all_accounted is not None:
        yield accounted.NAME, lambda: accounted.check(case)
    if expect.all_answered is not None:
        yield answered.NAME, lambda: answered.check(case)
    if (gone := expect.loses) is not None:
        yield loses.NAME, lambda: loses.check(case, gone)
    if (off := expect.deferred) is not None:
        yield deferred.NAME, lambda: deferred.check(case, off)
    if (failed := expect.failures_recorded) is not None:
        yield failures.NAME, lambda: failures.check(case, failed)
    if (herd := expect.retries_open_at_most) is not None:
        yield retries.NAME, lambda: retries.check(case, herd)
    yield from _of_progress(case, expect)


def _of_progress(case: Case, expect: Expect) -> Iterator[tuple[str, Callable[[], CheckResult]]]:
    """Yield the checkers of how far the worker got, how fast, and whom it told."""
    if (share := expect.processed) is not None:
        yield processed.NAME, lambda: processed.check(case, share)
    if (loop := expect.loops) is not None:
        yield loops.NAME, lambda: loops.check(case, loop)
    if (again := expect.repeats) is not None:
        yield repeats.NAME, lambda: repeats.check(case, again)
    if (still := expect.stands_still) is not None:
        yield loops.STILL, lambda: loops.check_still(case, still)
    if (rate := expect.throughput) is not None:
        yield throughput.NAME, lambda: throughput.check(case, rate)
    if (back := expect.recovers) is not None:
        yield recovery.NAME, lambda: recovery.check(case, back)
    if (told := expect.alerts_at_most) is not None:
        yield alerts.NAME, lambda: alerts.check(case, told)
