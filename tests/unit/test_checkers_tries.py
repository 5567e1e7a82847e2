"""The bounds for any worker: calls and deliveries a message, what it holds, and when everything has settled."""

from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.messages.failures import FailuresRecorded
from harness.checkers.messages.failures import check as failures_recorded
from harness.checkers.messages.prefetch import EffectivePrefetch, HoldsAtMost, check, check_held
from harness.checkers.messages.tries import (
    CallsPerMessageAtMost,
    DeliveriesPerMessageAtMost,
    check_calls,
    check_deliveries,
)
from harness.checkers.progress.loops import LOOP, Loops
from harness.checkers.progress.settled import SettledWithin
from harness.checkers.progress.settled import check as settled
from harness.record import CallOutcome, ChannelSeen, DependencyCall, QueueSample, Verdict
from tests.drill_records import AFTER, BEFORE, case, publishes

FIVE = CallsPerMessageAtMost(calls=5)
TEN = EffectivePrefetch(equals=10)


def calls_for(counts: dict[str, int], at_s: float = 12.0) -> tuple[DependencyCall, ...]:
    """Return so many failed calls for each message."""
    return tuple(
        DependencyCall("/x", name, n + 1, "status", 503, at_s, 0.1, CallOutcome.ANSWERED)
        for name, count in counts.items()
        for n in range(count)
    )


class TestCallsPerMessage:
    """``calls_per_message_at_most``, of any worker."""

    @pytest.mark.parametrize(("count", "verdict"), [(5, Verdict.PASS), (6, Verdict.FAIL)])
    def test_one_call_too_many_for_one_message_fails(self, count: int, verdict: Verdict) -> None:
        """Guarantees the edge, with good calls and bad ones counted alike, and the message named."""
        result = check_calls(case(AFTER, calls=calls_for({"c-001": count, "c-002": 1})), FIVE)
        assert result.verdict is verdict
        assert f"at most {count}, for c-001" in result.measured

    def test_a_phase_can_be_bounded_alone(self) -> None:
        """Guarantees that calls outside the named phase do not count, and that one never played is unknown."""
        many = calls_for({"c-001": 9}, at_s=30.0)
        hanging = CallsPerMessageAtMost(calls=5, phase="hanging")
        few = (*many, *calls_for({"c-001": 2}, at_s=12.0))
        assert check_calls(case(AFTER, calls=few), hanging).verdict is Verdict.PASS
        assert (
            check_calls(case(AFTER, calls=few), CallsPerMessageAtMost(calls=5, phase="burst")).verdict is Verdict.FAIL
        )
        assert check_calls(case(AFTER, calls=few, phases=()), hanging).verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize("changes", [{"calls": ()}, {"damaged": ("calls.jsonl line 3 is torn",)}])
    def test_without_a_whole_journal_nothing_is_known(self, changes: dict[str, Any]) -> None:
        """Guarantees that a torn journal is no small count."""
        assert check_calls(case(AFTER, **changes), FIVE).verdict is Verdict.UNKNOWN

    def test_the_bound_of_failures_recorded_needs_no_table(self) -> None:
        """Guarantees that a worker whose outcomes can't be read fails by its calls alone, else is unknown."""
        expected = FailuresRecorded(calls_per_message_at_most=5)
        hot = case(AFTER, calls=calls_for({"c-001": 100}), outcomes=(), outcomes_stored=False)
        assert failures_recorded(hot, expected).verdict is Verdict.FAIL
        mild = case(AFTER, calls=calls_for({"c-001": 5}), outcomes=(), outcomes_stored=False)
        assert failures_recorded(mild, expected).verdict is Verdict.UNKNOWN
        assert "calls_per_message_at_most needs none" in failures_recorded(mild, expected).detail


def delivered(deliveries: int, redelivered: int) -> tuple[QueueSample, ...]:
    """Return a last sample with so many deliveries of the drill's fifty messages."""
    return (QueueSample(48.0, 0, 0, redelivered, 50, deliveries),)


class TestDeliveriesPerMessage:
    """``deliveries_per_message_at_most``, by the queue's counts and the calls."""

    @pytest.mark.parametrize(
        ("deliveries", "redelivered", "calls", "verdict"),
        [
            (52, 2, {}, Verdict.PASS),
            (151, 101, {}, Verdict.FAIL),
            (70, 20, {f"c-{n:03d}": 1 for n in range(49)} | {"c-049": 21}, Verdict.FAIL),
            (70, 20, {f"c-{n:03d}": 2 for n in range(50)}, Verdict.PASS),
            (70, 20, {}, Verdict.UNKNOWN),
        ],
        ids=["few redeliveries", "too many on average", "one by its calls", "none by its calls", "can't be told"],
    )
    def test_a_bound_follows_where_the_counts_tell(
        self, deliveries: int, redelivered: int, calls: dict[str, int], verdict: Verdict
    ) -> None:
        """Guarantees red, green and unknown by what the broker and the journal can tell together."""
        of = case(AFTER, queue=delivered(deliveries, redelivered), calls=calls_for(calls))
        assert check_deliveries(of, DeliveriesPerMessageAtMost(deliveries=3)).verdict is verdict

    def test_deliveries_that_were_never_counted_are_unknown(self) -> None:
        """Guarantees that a record without the count passes nothing."""
        of = case(AFTER, queue=delivered(0, 0))
        assert check_deliveries(of, DeliveriesPerMessageAtMost(deliveries=3)).verdict is Verdict.UNKNOWN


def holding(unacked: int) -> tuple[QueueSample, ...]:
    """Return samples in which at most so many messages are unacknowledged."""
    return tuple(QueueSample(n / 2, 3, unacked if n == 40 else 1, 0, n) for n in range(98))


class TestWhatAWorkerHolds:
    """``holds_at_most`` and ``effective_prefetch``."""

    @pytest.mark.parametrize(("unacked", "verdict"), [(10, Verdict.PASS), (11, Verdict.FAIL)])
    def test_the_highest_number_unacknowledged_counts(self, unacked: int, verdict: Verdict) -> None:
        """Guarantees the edge of ``holds_at_most``."""
        assert check_held(case(AFTER, queue=holding(unacked)), HoldsAtMost(messages=10)).verdict is verdict

    def test_a_worker_that_acknowledges_nothing_holds_without_a_bound(self) -> None:
        """Guarantees red for automatic acknowledgement, which leaves nothing unacknowledged; unknown without counts."""
        auto = ChannelSeen(0.5, 0, "c (1)", 1, 10, 0, auto_ack=True)
        of = case(AFTER, channels=(auto,), queue=holding(0))
        assert check_held(of, HoldsAtMost(messages=10)).verdict is Verdict.FAIL
        assert check(of, TEN).verdict is Verdict.FAIL
        assert check_held(case(AFTER, queue=()), HoldsAtMost(messages=10)).verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize(
        ("channels", "verdict", "said"),
        [
            ((ChannelSeen(0.5, 0, "a (1)", 10, 10, 0),), Verdict.FAIL, "10 × 10 consumers = 100"),
            (
                tuple(ChannelSeen(0.5, 0, f"a ({n})", 1, 10, 0) for n in range(10)),
                Verdict.FAIL,
                "10 × 10 consumers = 100",
            ),
            ((ChannelSeen(0.5, 0, "a (1)", 1, 0, 10),), Verdict.PASS, "10 a channel"),
            (
                (ChannelSeen(0.5, 0, "a (1)", 1, 0, 0), ChannelSeen(1.7, 0, "a (1)", 1, 0, 10)),
                Verdict.PASS,
                "10 a channel",
            ),
            (
                tuple(ChannelSeen(5.0 + 2 * n, 0, "a (1)", 1, 0, 10 * n) for n in range(1, 12)),
                Verdict.FAIL,
                "110 a channel",
            ),
            ((ChannelSeen(0.5, 0, "a (1)", 1, 10, 0), ChannelSeen(20.0, 0, "b (1)", 1, 10, 0)), Verdict.PASS, "10"),
        ],
        ids=["ten consumers", "ten channels", "channel-wide", "told late", "widening", "reconnected"],
    )
    def test_the_prefetch_in_force_is_all_consumers_together(
        self, channels: tuple[ChannelSeen, ...], verdict: Verdict, said: str
    ) -> None:
        """Guarantees each way in which a prefetch comes about, and one that changes while the worker consumes."""
        result = check(case(AFTER, channels=channels, queue=holding(9)), TEN)
        assert result.verdict is verdict
        assert said in result.measured

    def test_a_bound_that_was_set_too_late_is_no_late_news(self) -> None:
        """Guarantees red for a window that was open for a second: what was seen to be held tells the two apart."""
        late = (ChannelSeen(19.5, 0, "a (1)", 1, 0, 0), ChannelSeen(20.6, 0, "a (1)", 1, 0, 10))
        assert check(case(AFTER, channels=late, queue=holding(60)), TEN).verdict is Verdict.FAIL

    def test_what_was_seen_outweighs_what_channels_may_hold(self) -> None:
        """Guarantees red where more was unacknowledged than any prefetch allows."""
        result = check(case(AFTER, queue=holding(60)), TEN)
        assert (result.verdict, "60 held" in result.measured) == (Verdict.FAIL, True)


class TestSettledWithin:
    """``settled_within``: all queues, waiting rooms included; the drill's time scale is ten."""

    def waits_until(self, end_s: float) -> Any:
        """Return a case whose last message, sent at 30 s, waits elsewhere until ``end_s``."""
        samples = tuple(QueueSample(n / 2, 0, 0, 0, 50, 50, int(n / 2 <= end_s)) for n in range(98))
        last = replace(publishes()[-1], confirmed_s=30.0)
        return case(AFTER, queue=samples, publishes=(*publishes()[:-1], last))

    @pytest.mark.parametrize(("within", "verdict"), [("100s", Verdict.PASS), ("99s", Verdict.FAIL)])
    def test_a_waiting_room_counts_until_it_is_empty(self, within: str, verdict: Verdict) -> None:
        """Guarantees the edge: waiting until 40 s is ten seconds, a hundred of incident time."""
        assert settled(self.waits_until(40.0), SettledWithin(time=within)).verdict is verdict

    def test_it_can_be_counted_from_a_phase(self) -> None:
        """Guarantees ``since``: the hanging phase began at 10 s, 300 s of incident time before."""
        of = self.waits_until(40.0)
        assert settled(of, SettledWithin(time="300s", since="hanging")).verdict is Verdict.PASS
        assert settled(of, SettledWithin(time="299s", since="hanging")).verdict is Verdict.FAIL

    def test_what_never_settles_fails_where_the_time_was_over(self) -> None:
        """Guarantees that an end of the trial before its time is unknown, and after it a failure."""
        of = self.waits_until(60.0)
        assert settled(of, SettledWithin(time="100s")).verdict is Verdict.FAIL
        assert settled(of, SettledWithin(time="1000s")).verdict is Verdict.UNKNOWN

    def test_queues_that_were_never_sampled_are_unknown(self) -> None:
        """Guarantees that silence is no empty queue."""
        assert settled(case(AFTER, queue=()), SettledWithin(time="100s")).verdict is Verdict.UNKNOWN


class TestLoopsAsABound:
    """``loops`` of an arm that has to hold: one that loops has failed."""

    BOUND = Loops(redeliveries_per_message_at_least=4, during=("hanging", "burst"))

    @pytest.mark.parametrize(("per_s", "after", "before"), [(20, "fail", "pass"), (1, "pass", "unknown")])
    def test_it_turns_round_for_an_arm_that_has_to_hold(self, per_s: int, after: str, before: str) -> None:
        """Guarantees that the same loop is red after and green before, and none the other way."""
        looping = tuple(QueueSample(n / 2, 3, 10, int(per_s * n / 2), 0) for n in range(98))
        assert LOOP(case(AFTER, queue=looping), self.BOUND).verdict.value == after
        assert LOOP(case(BEFORE, queue=looping), self.BOUND).verdict.value == before

    def test_phases_that_were_never_sampled_are_unknown_there_too(self) -> None:
        """Guarantees that a hole in the record is no innocence."""
        assert LOOP(case(AFTER, queue=()), self.BOUND).verdict is Verdict.UNKNOWN
