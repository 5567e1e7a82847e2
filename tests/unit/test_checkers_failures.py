"""The checkers of failures: recorded within a limit, deferred, gone round in a loop; and what hung calls may cost."""

from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.case import Case
from harness.checkers.memory import budget, hung_calls
from harness.checkers.memory.budget import OverBudget
from harness.checkers.memory.hung_calls import HungCallsBudget
from harness.checkers.messages import deferred, failures
from harness.checkers.messages.deferred import Deferred
from harness.checkers.messages.failures import FailuresRecorded
from harness.checkers.progress import loops
from harness.checkers.progress.loops import Loops
from harness.judging import judge
from harness.judging.judge import case_of
from harness.record import MIB, CallOutcome, DependencyCall, Drain, MemorySeries, Outcome, QueueSample, Verdict
from tests.drill_records import AFTER, BEFORE, MB, case, incarnation, memory, rows, run_of, scenario, trial

OVER = OverBudget(peak_at_least="400 MiB")
TWO_HANG = HungCallsBudget(calls_at_least=2, peak_at_most="200 MB")
FULL = Deferred(error_code="QUEUE_FULL", messages_at_least=2)
RECORDED = FailuresRecorded(messages_at_least=1, calls_per_message_at_most=3)
LOOP = Loops(redeliveries_per_message_at_least=4, during=("hanging", "burst"))


def hung(*arrivals_s: float, lasting_s: float | None = 6.0) -> tuple[DependencyCall, ...]:
    """Return calls that hang from these moments on."""
    return tuple(
        DependencyCall("/extract_facts", f"c-{n:03d}", 1, "hang_then_500", 500, at, lasting_s, CallOutcome.ANSWERED)
        for n, at in enumerate(arrivals_s)
    )


def reported(**changes: Any) -> Case:
    """Return the case of an arm of role ``reported`` whose record has ``changes``."""
    arms: Any = scenario().model_dump(mode="json", by_alias=True)["arms"]
    arms[AFTER] |= {"role": "reported"}
    record = trial(AFTER, **changes)
    return case_of(AFTER, record, run_of(trial(BEFORE), record), scenario(arms=arms))


class TestOverTheBudget:
    """``over_budget``: what a remedy that does not hold needs, at least."""

    def test_a_peak_at_the_figure_passes(self) -> None:
        """Guarantees the edge, by the highest sample of the working set."""
        high = memory((0, 20, 0, 110 * MB), (20, 21, 0, 400 * MIB), (21, 49, 0, 110 * MB))
        assert budget.check_over(reported(memory=high), OVER).verdict is Verdict.PASS

    def test_a_worker_that_needs_less_than_claimed_has_not_reproduced_it(self) -> None:
        """Guarantees that a finding which is no longer true is unknown, and not a failure of the fix."""
        result = budget.check_over(reported(incarnations=(incarnation(peak_cgroup_bytes=400 * MIB - 1),)), OVER)

        assert result.verdict is Verdict.UNKNOWN
        assert "look again at the claim" in result.detail

    def test_without_a_peak_nothing_is_known(self) -> None:
        """Guarantees that a worker nobody measured is not called frugal."""
        nothing = reported(incarnations=(incarnation(peak_cgroup_bytes=None, peak_rss_bytes=None),))
        assert budget.check_over(nothing, OVER).verdict is Verdict.UNKNOWN


class TestHungCalls:
    """``hung_calls_budget``: the resident set in the stretches in which so many calls hang."""

    def test_only_the_stretch_in_which_so_many_hang_is_looked_at(self) -> None:
        """Guarantees by hand: calls from 11 and 14 s on, six seconds each, overlap from 14 to 17 s."""
        calls = hung(11.0, 14.0)
        inside = memory((0, 14, 0, 900 * MB), (14, 17, 0, 200 * MB), (17.2, 49, 0, 900 * MB))

        assert [*hung_calls.stretches(trial(AFTER, calls=calls), 2)] == [(14.0, 17.0)]
        result = hung_calls.check(case(AFTER, calls=calls, memory=inside), TWO_HANG)
        assert (result.verdict, result.measured) == (Verdict.PASS, "memory at most 191 MiB")

    def test_one_sample_above_the_budget_fails(self) -> None:
        """Guarantees the threshold, and that a worker which has to hold fails by it."""
        high = memory((0, 49, 0, 200 * MB + 1))
        assert hung_calls.check(case(AFTER, calls=hung(11.0, 14.0), memory=high), TWO_HANG).verdict is Verdict.FAIL

    def test_a_call_without_an_end_hangs_to_the_end(self) -> None:
        """Guarantees that a call which was still open when the journal was read counts."""
        assert hung_calls.peak_bytes(trial(AFTER, calls=hung(11.0, 40.0, lasting_s=None)), 2) == 110 * MB

    @pytest.mark.parametrize(
        "changes",
        [
            {"calls": hung(11.0, 30.0)},
            {"calls": tuple(replace(call, mode="answer") for call in hung(11.0, 14.0))},
            {
                "calls": tuple(
                    replace(call, path="/openai/v1/chat/completions", primary=False) for call in hung(11.0, 14.0)
                )
            },
            {"calls": hung(11.0, 14.0), "memory": MemorySeries.empty()},
        ],
        ids=["one at a time", "slow, not spoilt", "the language model's", "not sampled"],
    )
    def test_where_never_so_many_hung_nothing_is_known(self, changes: dict[str, Any]) -> None:
        """Guarantees that a workload too weak for the question is not an answer to it."""
        assert hung_calls.check(case(AFTER, **changes), TWO_HANG).verdict is Verdict.UNKNOWN


class TestPutOff:
    """``deferred``: rows that are FAILED with one error code."""

    def test_as_many_as_expected_pass_and_other_codes_are_not_counted(self) -> None:
        """Guarantees the edge; a timeout is no full queue, and a processed message was not deferred."""
        full = tuple(Outcome(f"f-{n}", "FAILED", "QUEUE_FULL", 0, "2026-01-01") for n in range(2))
        done = Outcome("d-1", "PROCESSED", "QUEUE_FULL", 0, None)

        assert deferred.check(reported(outcomes=(*rows(), *full)), FULL).verdict is Verdict.PASS
        assert deferred.check(reported(outcomes=(*rows(), full[0], done)), FULL).verdict is Verdict.UNKNOWN
        assert deferred.check(case(AFTER, outcomes=(*rows(), full[0])), FULL).verdict is Verdict.FAIL

    def test_without_the_table_nothing_is_known(self) -> None:
        """Guarantees that a table which was not read is no table without failures."""
        assert deferred.check(case(AFTER, outcomes=()), FULL).verdict is Verdict.UNKNOWN


class TestFailuresRecorded:
    """``failures_recorded``: whoever was called for in vain is on record, after few calls."""

    def test_a_failure_with_its_retry_scheduled_passes_at_the_limit_of_calls(self) -> None:
        """Guarantees the edge: the one message that failed is FAILED, and none has more than three calls."""
        result = failures.check(case(AFTER), RECORDED)

        assert result.verdict is Verdict.PASS
        assert result.measured == "1 of 1 failures recorded, at most 3 calls for a message"

    @pytest.mark.parametrize(
        "row",
        [None, Outcome("c-005", "PENDING", None, 0, None), Outcome("c-005", "FAILED", "X", 0, None)],
        ids=["no row", "pending", "no retry"],
    )
    def test_a_failure_that_is_not_on_record_fails_and_is_named(self, row: Outcome | None) -> None:
        """Guarantees that FAILED without a time for its retry is not on record either."""
        others = tuple(each for each in rows() if each.message_id != "c-005")

        result = failures.check(case(AFTER, outcomes=(*others, row) if row else others), RECORDED)

        assert result.verdict is Verdict.FAIL
        assert "c-005" in result.detail

    def test_one_call_more_than_the_limit_fails(self) -> None:
        """Guarantees that an endless retry is seen even where each of its failures is recorded."""
        strict = FailuresRecorded(calls_per_message_at_most=2)
        assert failures.check(case(AFTER), strict).verdict is Verdict.FAIL

    def test_an_answer_in_the_end_is_no_failure(self) -> None:
        """Guarantees that a message which was answered at last needs no record of a failure."""
        answered = tuple(replace(call, message_id="c-005") for call in trial(AFTER).calls)
        lenient = FailuresRecorded(calls_per_message_at_most=50)
        result = failures.check(case(AFTER, calls=answered), lenient)

        assert result.verdict is Verdict.UNKNOWN
        assert result.detail == "Too few calls failed: another workload."

    @pytest.mark.parametrize("changes", [{"drain": None}, {"drain": Drain(False, 9.0, "7 ready")}, {"outcomes": ()}])
    def test_without_whole_evidence_nothing_is_known(self, changes: dict[str, Any]) -> None:
        """Guarantees that what is still under way, or was never read, is not called lost."""
        assert failures.check(case(AFTER, **changes), RECORDED).verdict is Verdict.UNKNOWN


def counts(redelivered_per_s: float, acked_per_s: float) -> tuple[QueueSample, ...]:
    """Return two samples a second, with redeliveries and acknowledgements at these rates from second 10 on."""
    since = [max(0.0, n / 2 - 10) for n in range(98)]
    return tuple(
        QueueSample(n / 2, 3, 10, int(redelivered_per_s * s), int(acked_per_s * s)) for n, s in enumerate(since)
    )


class TestLoops:
    """``loops``: redeliveries climb while nothing is finished."""

    def test_redeliveries_without_an_acknowledgement_are_a_loop(self) -> None:
        """Guarantees the figure by hand: 50 messages by the end of the burst, 200 redeliveries in 30 s."""
        result = loops.check(reported(queue=counts(200 / 30, 0)), LOOP)

        assert (result.verdict, result.measured) == (
            Verdict.PASS,
            "200 redeliveries of 50 messages (4.0 each), 0 finished",
        )

    @pytest.mark.parametrize("queue", [counts(199 / 30, 0), counts(20, 0.1)], ids=["fewer", "some finished"])
    def test_a_worker_that_gets_on_is_in_no_loop(self, queue: tuple[QueueSample, ...]) -> None:
        """Guarantees that one redelivery too few, or one message finished, is another finding: unknown."""
        assert loops.check(reported(queue=queue), LOOP).verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize("changes", [{"queue": ()}, {"publishes": ()}, {"phases": ()}])
    def test_phases_that_were_never_sampled_say_nothing(self, changes: dict[str, Any]) -> None:
        """Guarantees that a hole in the record is neither a loop nor its absence."""
        assert loops.check(reported(**changes), LOOP).verdict is Verdict.UNKNOWN


FINDINGS = {
    "over_budget": ({"peak_at_least": "400 MiB"}, budget.OVER.name),
    "deferred": ({"error_code": "QUEUE_FULL", "messages_at_least": 1}, deferred.CHECK.name),
    "loops": ({"redeliveries_per_message_at_least": 9, "during": ["burst"]}, loops.LOOP.name),
}


@pytest.mark.parametrize("field", FINDINGS)
def test_a_finding_that_does_not_show_turns_the_whole_run(field: str) -> None:
    """Guarantees that each finding is asked for, and that a run without it is unknown, never pass."""
    expected, name = FINDINGS[field]
    arms: Any = scenario().model_dump(mode="json", by_alias=True)["arms"]
    arms[BEFORE]["expect"] = {field: expected}
    tame = trial(BEFORE, incarnations=(incarnation(),), memory=memory((0, 49, 0, 110 * MB)))

    judgement = judge(run_of(tame, trial(AFTER)), scenario(arms=arms))

    assert judgement.verdict is Verdict.UNKNOWN
    assert [result.check for result in judgement.checks if result.verdict is not Verdict.PASS] == [name]
