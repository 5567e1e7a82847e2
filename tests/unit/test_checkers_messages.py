"""The checkers of messages: nothing confirmed is lost, and the fixed worker finishes more than the old one."""

from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.messages import accounted, loses
from harness.checkers.messages.loses import Loses
from harness.checkers.progress import throughput
from harness.checkers.progress.throughput import Throughput, finished_per_s
from harness.judging.judge import case_of
from harness.record import Drain, Outcome, QueueSample, RunRecord, Verdict
from tests.drill_records import AFTER, BEFORE, PHASES, case, publishes, queue, rows, run_of, scenario, trial

RATE = Throughput(against=BEFORE, at_least=3, during=("hanging", "burst"))


def rows_with(row: Outcome) -> tuple[Outcome, ...]:
    """Return the settled rows, the third of them replaced by ``row``."""
    return tuple(row if each.message_id == row.message_id else each for each in rows())


class TestAccounted:
    """``all_accounted``: the ledger of confirmed messages."""

    def test_every_message_processed_or_scheduled_passes(self) -> None:
        """Guarantees the good case, with both counts."""
        result = accounted.check(case(AFTER))

        assert result.verdict is Verdict.PASS
        assert result.measured == (
            "40 processed + 10 failed + 0 dead-lettered, of 50 confirmed;"
            " 0 lost, 0 unexpected, 0 duplicated, 0 phantom_success"
        )

    @pytest.mark.parametrize(
        "row",
        [
            Outcome("c-003", "PENDING", None, 0, None),
            Outcome("c-003", "PROCESSING", None, 0, None),
            Outcome("c-003", "SKIPPED", None, 0, None),
            Outcome("c-003", "FAILED", "MEMORY_API_TIMEOUT", 1, None),
        ],
        ids=["pending", "processing", "skipped", "failed without a retry"],
    )
    def test_one_message_without_an_outcome_is_lost(self, row: Outcome) -> None:
        """Guarantees that a single lost message fails the arm, by name."""
        result = accounted.check(case(AFTER, outcomes=rows_with(row)))

        assert result.verdict is Verdict.FAIL
        assert "; 1 lost, 0 unexpected, 0 duplicated" in result.measured
        assert result.detail == f"1 lost, first: c-003 ({row.status})."

    def test_a_message_without_a_row_is_lost(self) -> None:
        """Guarantees that what the worker never knew of counts as lost too."""
        result = accounted.check(case(AFTER, outcomes=rows()[:-1]))

        assert result.verdict is Verdict.FAIL
        assert result.detail == "1 lost, first: c-049 (no row)."

    def test_only_the_first_lost_messages_are_named(self) -> None:
        """Guarantees that a thousand lost messages fit on a line."""
        result = accounted.check(case(AFTER, outcomes=rows()[:1]))

        assert "49 lost" in result.measured
        assert result.detail.count("c-") == 5

    def test_a_permanent_failure_is_an_outcome(self) -> None:
        """Guarantees that a message handed to a person is not lost."""
        row = Outcome("c-003", "PERMANENTLY_FAILED", "MEMORY_API_TIMEOUT", 5, None)
        assert accounted.check(case(AFTER, outcomes=rows_with(row))).verdict is Verdict.PASS

    def test_a_message_that_was_never_confirmed_may_be_missing(self) -> None:
        """Guarantees that only what the broker promised is demanded; a message processed all the same is recovered."""
        first, *others = publishes()
        unconfirmed = (replace(first, confirmed_s=None), *others)
        assert accounted.check(case(AFTER, publishes=unconfirmed)).verdict is Verdict.PASS
        assert accounted.check(case(AFTER, publishes=unconfirmed, outcomes=rows()[1:])).verdict is Verdict.PASS

    def test_an_outcome_of_a_message_that_was_never_published_fails(self) -> None:
        """Guarantees the other half of the ledger: a worker that invents work is not accounted for."""
        stranger = Outcome("c-999", "PROCESSED", None, 0, None)
        result = accounted.check(case(AFTER, outcomes=(*rows(), stranger)))

        assert result.verdict is Verdict.FAIL
        assert result.detail == "1 unexpected, first: c-999."

    def test_an_event_that_was_seeded_and_never_published_may_stay_pending(self) -> None:
        """Guarantees that the harness's own half of the table is not held against the worker."""
        seeded = Outcome("c-999", "PENDING", None, 0, None)
        assert accounted.check(case(AFTER, outcomes=(*rows(), seeded))).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"drain": None}, "the queues were not drained: the trial was cut off"),
            ({"drain": Drain(complete=False, waited_s=9.0, last_seen="7 ready")}, "not drained: 7 ready."),
            ({"outcomes": ()}, "outcomes.json is missing or empty."),
            ({"publishes": ()}, "nothing was confirmed"),
            ({"damaged": ("publishes.jsonl line 3 is torn",), "publishes": publishes()[1:]}, "publishes.jsonl line 3"),
            ({"damaged": ("outcomes.json can't be read",), "outcomes": rows()[1:]}, "outcomes.json can't"),
        ],
        ids=["cut off", "not drained", "table not read", "nothing confirmed", "publishes torn", "table torn"],
    )
    def test_without_a_drain_a_table_and_a_workload_it_is_unknown(self, changes: dict[str, Any], said: str) -> None:
        """Guarantees that no ledger is closed before the day is over: not lost, not passed."""
        result = accounted.check(case(AFTER, **changes))

        assert result.verdict is Verdict.UNKNOWN
        assert said in result.detail


class TestLoses:
    """``loses``: an arm that is known to lose messages does."""

    GONE = Outcome("c-003", "PROCESSING", None, 0, None)

    def test_so_many_lost_pass_and_one_less_than_expected_is_not_reproduced(self) -> None:
        """Guarantees both edges, and that what is lost is named."""
        losing = case(BEFORE, outcomes=rows_with(self.GONE), drain=Drain(complete=True, waited_s=1.0, last_seen=""))
        result = loses.check(losing, Loses(messages_at_least=1))

        assert (result.verdict, result.measured) == (Verdict.PASS, "1 lost, of 50 confirmed")
        assert result.detail == "First: c-003 (PROCESSING)."
        assert loses.check(losing, Loses(messages_at_least=2)).verdict is Verdict.UNKNOWN

    def test_a_worker_that_loses_nothing_has_not_shown_the_loss(self) -> None:
        """Guarantees that an arm whose loss went away is noticed."""
        assert loses.check(case(BEFORE), Loses(messages_at_least=1)).verdict is Verdict.UNKNOWN

    def test_what_may_still_come_is_not_lost_yet(self) -> None:
        """Guarantees that no loss is shown by a trial that was not drained."""
        cut_off = case(BEFORE, outcomes=rows_with(self.GONE), drain=None)
        assert loses.check(cut_off, Loses(messages_at_least=1)).verdict is Verdict.UNKNOWN


class TestThroughput:
    """``throughput``: messages finished while every call hangs, against the other arm."""

    def test_more_than_the_wanted_multiple_passes(self) -> None:
        """Guarantees the arithmetic: 1 and 0.1 a second of real time are 0.1 and 0.01 of incident time."""
        result = throughput.check(case(AFTER), RATE)

        assert result.verdict is Verdict.PASS
        assert result.measured == "0.100 msg/s against 0.010 msg/s"

    @pytest.mark.parametrize(("acked_per_s", "verdict"), [(0.4, Verdict.PASS), (0.2, Verdict.FAIL)])
    def test_less_than_the_wanted_multiple_fails(self, acked_per_s: float, verdict: Verdict) -> None:
        """Guarantees that the factor decides: three times 0.1."""
        assert throughput.check(case(AFTER, queue=queue(acked_per_s)), RATE).verdict is verdict

    def test_exactly_the_wanted_multiple_passes(self) -> None:
        """Guarantees the edge: 30 messages against 10 in the same time."""
        finished = {
            arm: (QueueSample(10.0, 0, 0, 0, 0), QueueSample(40.0, 0, 0, 0, acked))
            for arm, acked in ((AFTER, 30), (BEFORE, 10))
        }
        record, other = (trial(arm, queue=finished[arm]) for arm in (AFTER, BEFORE))
        assert throughput.check(case_of(AFTER, record, run_of(record, other), scenario()), RATE).verdict is Verdict.PASS

    def test_a_window_of_two_seconds_is_long_enough(self) -> None:
        """Guarantees the edge of what can be measured: the broker's counts are a second old at most."""
        assert finished_per_s(trial(AFTER, queue=queue(1.0)[20:25]), RATE.during, 10.0) == pytest.approx(0.1)

    def test_zero_against_zero_fails(self) -> None:
        """Guarantees that three times nothing is not met by nothing."""
        record, other = trial(AFTER, queue=queue(0)), trial(BEFORE, queue=queue(0))
        result = throughput.check(case_of(AFTER, record, run_of(record, other), scenario()), RATE)

        assert result.verdict is Verdict.FAIL
        assert result.measured == "0.000 msg/s against 0.000 msg/s"

    def test_something_against_zero_passes(self) -> None:
        """Guarantees that an incident in which nothing was finished can be compared with."""
        record, other = trial(AFTER, queue=queue(0.5)), trial(BEFORE, queue=queue(0))
        result = throughput.check(case_of(AFTER, record, run_of(record, other), scenario()), RATE)

        assert result.verdict is Verdict.PASS

    @pytest.mark.parametrize(
        "samples",
        [(), queue(1.0)[:1], queue(1.0)[20:24], queue(1.0)[:20]],
        ids=["none", "one", "a window of 1.5 s", "none in the phases"],
    )
    def test_a_rate_that_was_not_measured_is_unknown(self, samples: tuple[QueueSample, ...]) -> None:
        """Guarantees that the lag of the broker's counts is never taken for a rate."""
        assert throughput.check(case(AFTER, queue=samples), RATE).verdict is Verdict.UNKNOWN

    def test_a_phase_that_was_never_played_is_unknown(self) -> None:
        """Guarantees unknown for a trial that was cut off, naming the arm that lacks it."""
        result = throughput.check(case(AFTER, phases=PHASES[:1]), RATE)

        assert result.verdict is Verdict.UNKNOWN
        assert result.measured == "fixed was not measured"

    def test_without_the_other_arm_it_is_unknown(self) -> None:
        """Guarantees that a comparison with nobody is none."""
        record = trial(AFTER)
        result = throughput.check(case_of(AFTER, record, RunRecord(run_of().manifest, (record,)), scenario()), RATE)

        assert result.verdict is Verdict.UNKNOWN
        assert result.measured == "incident was not measured"

    def test_what_was_finished_outside_the_phases_does_not_count(self) -> None:
        """Guarantees that a quick healthy phase does not hide a standstill."""
        standstill = tuple(replace(sample, acked=100 if sample.t_s >= 10 else 0) for sample in queue(0))
        assert finished_per_s(trial(AFTER, queue=standstill), RATE.during, 10.0) == 0.0
