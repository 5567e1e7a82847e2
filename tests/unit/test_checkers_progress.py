"""The checkers of progress: a standstill, the share that got through, the way back by itself, and whom it was told."""

from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.messages import alerts, loses, processed, repeats
from harness.checkers.messages.alerts import AlertsAtMost
from harness.checkers.messages.processed import Processed
from harness.checkers.messages.repeats import Repeats
from harness.checkers.progress import loops, recovery
from harness.checkers.progress.loops import StandsStill
from harness.checkers.progress.recovery import Recovers
from harness.judging import judge
from harness.record import Alert, Drain, PhaseSpan, QueueSample, Verdict
from tests.drill_records import AFTER, BEFORE, PHASES, calls, case, incarnation, rows, run_of, scenario, trial

STILL = StandsStill(finished_at_most=2, during=("burst",))
FOUR_OF_FIVE = Processed(share_at_least=0.8)
SOON = Recovers(phase="recovery", within="30s")  # three real seconds


def finishing(count: int) -> tuple[QueueSample, ...]:
    """Return samples in which so many messages are finished within the burst, from 20 to 40 s."""
    return tuple(QueueSample(n / 2, 3, 10, 0, min(count, max(0, n // 2 - 21))) for n in range(98))


class TestStandstill:
    """``stands_still``: messages are there, and no more than so many are finished."""

    def test_as_many_as_allowed_are_a_standstill_and_one_more_is_not(self) -> None:
        """Guarantees the edge, and that a claim which is no longer true is unknown for an arm that must show it."""
        still, moving = case(BEFORE, queue=finishing(2)), case(BEFORE, queue=finishing(3))

        assert loops.check_still(still, STILL).verdict is Verdict.PASS
        assert loops.check_still(moving, STILL).verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize("changes", [{"queue": ()}, {"publishes": ()}, {"phases": PHASES[:1]}])
    def test_where_there_was_nothing_to_finish_nothing_stands_still(self, changes: dict[str, Any]) -> None:
        """Guarantees that an empty queue, or one that nobody looked at, is no standstill."""
        assert loops.check_still(case(BEFORE, **changes), STILL).verdict is Verdict.UNKNOWN


class TestProcessed:
    """``processed``: the share that is PROCESSED in the end."""

    def test_the_drills_share_passes_and_one_message_less_fails(self) -> None:
        """Guarantees the edge: every fifth of fifty is deferred, so forty are 80 %."""
        one_less = (replace(rows()[1], status="FAILED"), *rows()[2:])

        assert processed.check(case(AFTER), FOUR_OF_FIVE).measured == "40 of 50 (80%)"
        assert processed.check(case(AFTER), FOUR_OF_FIVE).verdict is Verdict.PASS
        assert processed.check(case(AFTER, outcomes=one_less), FOUR_OF_FIVE).verdict is Verdict.FAIL

    @pytest.mark.parametrize("changes", [{"drain": Drain(False, 9.0, "7 ready")}, {"outcomes": ()}, {"publishes": ()}])
    def test_without_whole_evidence_nothing_is_known(self, changes: dict[str, Any]) -> None:
        """Guarantees that what may still be processed is not counted as deferred."""
        assert processed.CHECK(case(AFTER, **changes), FOUR_OF_FIVE).verdict is Verdict.UNKNOWN


def emptied_at(end_s: float) -> tuple[QueueSample, ...]:
    """Return two samples a second; something waits up to ``end_s``."""
    return tuple(QueueSample(n / 2, 0, 1 if n / 2 <= end_s else 0, 0, n) for n in range(98))


class TestRecovers:
    """``recovers``: from the beginning of a phase to the moment from which on the queue is empty."""

    def test_the_time_is_counted_from_the_phase_to_the_last_message(self) -> None:
        """Guarantees the edge by hand: recovery begins at 40 s, 43 s are three real seconds, half a minute."""
        assert recovery.check(case(AFTER, queue=emptied_at(43.0)), SOON).measured == "after 30 s (3.0 s of real time)"
        assert recovery.check(case(AFTER, queue=emptied_at(43.0)), SOON).verdict is Verdict.PASS
        assert recovery.check(case(AFTER, queue=emptied_at(43.5)), SOON).verdict is Verdict.FAIL

    def test_a_queue_that_fills_again_has_not_recovered(self) -> None:
        """Guarantees that an empty moment between two floods is no recovery."""
        again = (*emptied_at(41.0)[:90], QueueSample(45.0, 5, 0, 0, 90), *emptied_at(41.0)[91:])
        assert recovery.check(case(AFTER, queue=again), SOON).measured.startswith("after 50 s")

    def test_a_queue_that_is_never_empty_again_is_down_for_good(self) -> None:
        """Guarantees the word for a system that stays down after its trigger is gone."""
        result = recovery.check(case(AFTER, queue=emptied_at(99.0)), SOON)
        assert (result.verdict, result.measured) == (Verdict.FAIL, "never: 0 ready, 1 unacknowledged")

    def test_what_was_empty_before_took_no_time(self) -> None:
        """Guarantees zero for a worker that was never behind."""
        assert recovery.settled_after_s(trial(AFTER, queue=emptied_at(30.0)), "recovery") == 0.0
        assert recovery.settled_after_s(trial(AFTER, queue=emptied_at(-1.0)), "recovery") == 0.0

    @pytest.mark.parametrize("changes", [{"queue": ()}, {"phases": (PhaseSpan("healthy", 0.0, 48.0, 0.0, 1.0, 10.0),)}])
    def test_a_phase_that_was_never_sampled_says_nothing(self, changes: dict[str, Any]) -> None:
        """Guarantees that a trial which was cut off before is neither recovered nor down."""
        assert recovery.check(case(AFTER, **changes), SOON).verdict is Verdict.UNKNOWN


class TestRepeats:
    """``repeats``: messages that were answered well more than once."""

    def test_only_a_second_good_answer_counts(self) -> None:
        """Guarantees that a message which was answered three times counts once, and one that never was not at all."""
        again = case(BEFORE, calls=(*calls(), calls()[0], calls()[0]))
        result = repeats.check(again, Repeats(messages_at_least=1))

        assert (result.verdict, result.measured) == (Verdict.PASS, "1 of 40 answered messages")
        assert repeats.check(again, Repeats(messages_at_least=2)).verdict is Verdict.UNKNOWN

    def test_without_an_answer_nothing_is_known(self) -> None:
        """Guarantees that a worker which never got through is not called careful."""
        assert repeats.check(case(BEFORE, calls=()), Repeats(messages_at_least=1)).verdict is Verdict.UNKNOWN


TIMEOUT = Alert("EXTERNAL_API_TIMEOUT", "HIGH", "marked_failed_no_requeue")


class TestAlerts:
    """``alerts_at_most``: somebody is told, and not flooded."""

    @pytest.mark.parametrize(
        ("count", "verdict"), [(0, Verdict.FAIL), (1, Verdict.PASS), (2, Verdict.PASS), (3, Verdict.FAIL)]
    )
    def test_silence_and_a_flood_both_fail(self, count: int, verdict: Verdict) -> None:
        """Guarantees both edges: a worker that swallows its alerts is no better than one that floods."""
        result = alerts.check(case(AFTER, alerts=(TIMEOUT,) * count), AlertsAtMost(count=2))

        assert result.verdict is verdict
        assert result.measured.startswith(f"{count} alerts")

    def test_a_trial_that_was_cut_off_says_nothing(self) -> None:
        """Guarantees that alerts which were still to come are not counted as swallowed."""
        assert alerts.check(case(AFTER, drain=None), AlertsAtMost(count=2)).verdict is Verdict.UNKNOWN


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "stands_still": ({"during": ["burst"]}, loops.STILL.name),
    "repeats": ({"messages_at_least": 2}, repeats.CHECK.name),
    "loses": ({"messages_at_least": 1}, loses.CHECK.name),
    "processed": ({"share_at_least": "81%"}, processed.CHECK.name),
    "recovers": ({"phase": "recovery", "within": "30s"}, recovery.CHECK.name),
    "alerts_at_most": ({"count": 1}, alerts.CHECK.name),
}


@pytest.mark.parametrize("field", CLAIMS)
def test_a_claim_that_does_not_come_true_turns_the_whole_run(field: str) -> None:
    """Guarantees that each of them is asked for, and that a run in which it fails is unknown, never pass."""
    expected, name = CLAIMS[field]
    arms: Any = scenario().model_dump(mode="json", by_alias=True)["arms"]
    arms[BEFORE]["expect"] = {field: expected}
    moving = trial(BEFORE, incarnations=(incarnation(),), queue=trial(AFTER).queue)

    judgement = judge(run_of(moving, trial(AFTER)), scenario(arms=arms))

    assert judgement.verdict is not Verdict.PASS
    assert name in {result.check for result in judgement.checks if result.verdict is not Verdict.PASS}
