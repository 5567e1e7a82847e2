"""The judge: every arm by its own expectations, the worst verdict of all, and no crash that ends in a pass."""

import importlib
from dataclasses import replace
from typing import Any

import pytest

from harness.checkers import registry
from harness.judging import judge
from harness.judging.judge import CRASHED, PLAYED
from harness.record import CheckResult, Drain, Limit, MemorySeries, RunRecord, Verdict
from tests.drill_records import (
    AFTER,
    BEFORE,
    LIMIT_BYTES,
    MB,
    PHASES,
    calls,
    channels,
    charged,
    climbing,
    incarnation,
    killed,
    memory,
    publishes,
    raised_at_the_end,
    rows,
    run_of,
    scenario,
    trial,
)

# Every check of the two arms, in the order in which a report shows them.
OF_EVERY_ARM = [
    *["faults took effect", "memory limit", "record whole", "timers scaled", "workload published"],
    "workload in time",
]
OF_BEFORE = ["killed by the kernel", "fidelity to the minute table", "memory healthy again", "effective prefetch"]
OF_AFTER = [
    *["never killed", "memory back at baseline", "memory budget", "memory growth", "memory with hung calls"],
    *["messages accounted for", "failures recorded", "throughput while hanging"],
]


def verdicts(run: RunRecord) -> dict[tuple[str, str], Verdict]:
    """Return the verdict of every check by arm and name."""
    return {(result.arm, result.check): result.verdict for result in judge(run, scenario()).checks}


def test_a_run_as_it_should_be_passes() -> None:
    """Guarantees the one verdict that everything has to be right for, with tables and figures beside it."""
    judgement = judge(run_of(), scenario())

    assert judgement.verdict is Verdict.PASS
    assert {result.verdict for result in judgement.checks} == {Verdict.PASS}
    assert judgement.comparison
    assert judgement.minutes
    assert judgement.metrics


def test_every_arm_is_judged_by_what_is_expected_of_it() -> None:
    """Guarantees that each line of ``expect`` has its checker, and that the checks every arm gets come first."""
    checks = judge(run_of(), scenario()).checks

    assert [result.check for result in checks if result.arm == BEFORE] == [*OF_EVERY_ARM, *OF_BEFORE]
    anyway = [*OF_EVERY_ARM[:3], "queues drained", *OF_EVERY_ARM[3:]]
    assert [result.check for result in checks if result.arm == AFTER] == [*anyway, *OF_AFTER]


def test_what_is_not_expected_is_not_judged() -> None:
    """Guarantees that an arm without expectations gets only the checks that every arm gets."""
    arms: Any = scenario().model_dump(mode="json", by_alias=True)["arms"]
    arms["incident"]["expect"] = {}
    checks = judge(run_of(), scenario(arms=arms)).checks

    assert [result.check for result in checks if result.arm == BEFORE] == OF_EVERY_ARM


def scaled(series: MemorySeries, factor: float) -> MemorySeries:
    """Return samples of a worker that uses so many times as much."""
    return charged(replace(series, rss_bytes=series.rss_bytes * factor))


# What goes wrong in one arm, which check must say so, and the verdict of the whole run.
WRONG: dict[str, tuple[str, dict[str, Any], str, Verdict]] = {
    "damaged": (AFTER, {"damaged": ("outcomes.json was never written",)}, "record whole", Verdict.UNKNOWN),
    "emulated": (AFTER, {"limit": Limit("watchdog", True, LIMIT_BYTES)}, "memory limit", Verdict.UNKNOWN),
    "half a workload": (
        AFTER,
        {"publishes": tuple(replace(each, confirmed_s=None) for each in publishes()[25:]) + publishes(25)},
        "workload published",
        Verdict.UNKNOWN,
    ),
    "nothing played": (AFTER, {"phases": ()}, "timers scaled", Verdict.UNKNOWN),
    "late": (
        AFTER,
        {"publishes": tuple(replace(each, sent_s=each.sent_s + 20) for each in publishes())},
        "workload in time",
        Verdict.UNKNOWN,
    ),
    "no fault": (
        AFTER,
        {"calls": tuple(call for call in calls() if call.mode == "answer")},
        "faults took effect",
        Verdict.UNKNOWN,
    ),
    "cut off": (AFTER, {"phases": PHASES[:2]}, "faults took effect", Verdict.UNKNOWN),
    "not drained": (AFTER, {"drain": Drain(False, 9.0, "7 ready")}, "queues drained", Verdict.UNKNOWN),
    "not reproduced": (BEFORE, {"incarnations": (incarnation(),)}, "killed by the kernel", Verdict.UNKNOWN),
    "never recovered": (
        BEFORE,
        {"memory": scaled(trial(BEFORE).memory, 9)},
        "memory healthy again",
        Verdict.UNKNOWN,
    ),
    "prefetch held": (BEFORE, {"channels": channels(10)}, "effective prefetch", Verdict.UNKNOWN),
    "another curve": (
        BEFORE,
        {"memory": scaled(trial(BEFORE).memory, 1 / 90)},
        "fidelity to the minute table",
        Verdict.UNKNOWN,
    ),
    "killed": (AFTER, {"incarnations": (killed(), incarnation(1))}, "never killed", Verdict.FAIL),
    "over budget": (
        AFTER,
        {"memory": memory((0, 20, 0, 110 * MB), (20, 21, 0, 800 * MB), (21, 49, 0, 110 * MB))},
        "memory budget",
        Verdict.FAIL,
    ),
    "a leak": (AFTER, {"memory": climbing(trial(AFTER).memory, 1000 * MB)}, "memory growth", Verdict.FAIL),
    "kept after the workload": (AFTER, {"memory": raised_at_the_end()}, "memory back at baseline", Verdict.FAIL),
    "hungry while hanging": (
        AFTER,
        {"memory": scaled(trial(AFTER).memory, 2)},
        "memory with hung calls",
        Verdict.FAIL,
    ),
    "a failure without a record": (
        AFTER,
        {"outcomes": tuple(replace(row, next_attempt_at=None) for row in rows())},
        "failures recorded",
        Verdict.FAIL,
    ),
    "a message lost": (AFTER, {"outcomes": rows()[1:]}, "messages accounted for", Verdict.FAIL),
    "a standstill": (AFTER, {"queue": trial(BEFORE).queue}, "throughput while hanging", Verdict.FAIL),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_thing_wrong_turns_its_check_and_the_run(name: str) -> None:
    """Guarantees for every checker that it is asked, and that it can turn the verdict of the whole run."""
    arm, changes, check, verdict = WRONG[name]
    other = trial(AFTER if arm == BEFORE else BEFORE)
    run = run_of(trial(arm, **changes), other)

    assert verdicts(run)[arm, check] is verdict
    assert judge(run, scenario()).verdict is verdict


def test_every_check_is_turned_by_one_of_them() -> None:
    """Guarantees that no check can be added without a case that turns it red."""
    assert {check for _, _, check, _ in WRONG.values()} == {*OF_EVERY_ARM, "queues drained", *OF_BEFORE, *OF_AFTER}


def test_a_failure_outweighs_everything_unknown() -> None:
    """Guarantees pass < unknown < fail: a lost message is not excused by a fault that met no call."""
    run = run_of(trial(BEFORE, incarnations=(incarnation(),)), trial(AFTER, calls=(), outcomes=rows()[1:]))
    assert judge(run, scenario()).verdict is Verdict.FAIL


def test_an_arm_that_was_never_played_is_unknown() -> None:
    """Guarantees that a run which was cut off between two arms does not pass on the first."""
    judgement = judge(run_of(trial(BEFORE)), scenario())

    assert judgement.verdict is Verdict.UNKNOWN
    (never,) = [result for result in judgement.checks if result.arm == AFTER]
    assert (never.check, never.measured) == (PLAYED, "never played")


def test_a_profiled_twin_is_not_judged() -> None:
    """Guarantees that the profiler's own memory breaks no budget."""
    twin = replace(
        trial(AFTER, role="profiled", incarnations=(incarnation(peak_cgroup_bytes=LIMIT_BYTES),)), arm="fixed-profiled"
    )
    assert judge(run_of(trial(BEFORE), trial(AFTER), twin), scenario()).verdict is Verdict.PASS


def crash(*_: object) -> CheckResult:
    """Fail as a checker with a fault would."""
    raise ZeroDivisionError("division by zero")


def test_a_checker_that_crashes_is_unknown_and_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that a fault of the harness is never taken for a pass, nor for a fault of the worker."""
    broken = tuple(
        replace(check, judge=crash) if check.key == "memory_budget" else check for check in registry.all_checks()
    )
    monkeypatch.setattr(importlib.import_module("harness.judging.judge"), "all_checks", lambda: broken)

    judgement = judge(run_of(), scenario())

    assert judgement.verdict is Verdict.UNKNOWN
    (crashed,) = [result for result in judgement.checks if result.verdict is not Verdict.PASS]
    assert (crashed.check, crashed.measured) == ("memory budget", CRASHED)
    assert crashed.detail == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("table", ["metric_rows", "minute_rows", "figures"])
def test_a_table_that_crashes_is_unknown_and_costs_no_check(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that the checks stand when a table beside them falls, and that the fall is said."""
    monkeypatch.setattr(importlib.import_module("harness.judging.judge"), table, crash)

    judgement = judge(run_of(), scenario())

    assert judgement.verdict is Verdict.UNKNOWN
    assert sum(result.verdict is Verdict.PASS for result in judgement.checks) == 25
    assert [result.measured for result in judgement.checks if result.verdict is Verdict.UNKNOWN] == [CRASHED]


def test_a_partial_record_of_nothing_at_all_is_unknown() -> None:
    """Guarantees that a trial which left only its folder can be judged, and passes nothing."""
    nothing = replace(
        trial(AFTER),
        limit=None,
        phases=(),
        incarnations=(),
        queue=(),
        gauges=(),
        publishes=(),
        calls=(),
        outcomes=(),
        events=(),
    )
    nothing = replace(nothing, planned_messages=0, channels=(), drain=None)
    found = verdicts(run_of(trial(BEFORE), nothing))

    assert {verdict for (arm, _), verdict in found.items() if arm == AFTER} == {Verdict.UNKNOWN}
