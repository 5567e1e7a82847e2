"""How a message is held, redelivered and scored: hole 4, the account of work in hand, and the flow's small parts."""

import gc
import threading
from collections.abc import Iterator

import pytest

from worker_under_test.conversation_event_model import ConversationEventStatus
from worker_under_test.errors import AlreadyInHandError
from worker_under_test.friendship_score import ConversationTally, calculate_friendship_score
from worker_under_test.outcomes import Delivery
from worker_under_test.remedies import idempotent_redelivery, prefetch_in_force
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.clean_up import conversation_log_context


class Log(list[str]):
    """A conversation log whose end can be seen."""

    freed = threading.Event()

    def __del__(self) -> None:
        """Say that the log is gone."""
        self.freed.set()


@pytest.fixture(autouse=True)
def nothing_freed_yet() -> Iterator[None]:
    """Begin with no log freed."""
    Log.freed.clear()
    yield
    gc.collect()


def test_the_reports_context_manager_frees_nothing_of_its_callers() -> None:
    """Shows hole 4: after the block, and after its ``gc.collect()``, the caller's log is still there."""
    conversation_log = Log(["xin chào"])
    with conversation_log_context(conversation_log, None, None):
        pass
    assert not Log.freed.is_set()
    assert conversation_log == ["xin chào"]
    del conversation_log
    assert Log.freed.is_set()


def test_the_reports_context_manager_runs_a_full_collection_each_time() -> None:
    """Shows hole 15: a collection of the oldest generation for every message."""
    before = gc.get_stats()[2]["collections"]
    for _ in range(5):
        with conversation_log_context(Log(), None, None):
            pass
    assert gc.get_stats()[2]["collections"] - before == 5


def test_recorded_work_is_recognised_in_the_hardened_worker_alone() -> None:
    """Guarantees that every recorded outcome settles a redelivery, and that the original looked at none."""
    settled = idempotent_redelivery.settled_statuses(Behaviour.HARDENED)
    open_statuses = {ConversationEventStatus.PENDING, ConversationEventStatus.PROCESSING}
    assert settled == set(ConversationEventStatus) - open_statuses
    for behaviour in (Behaviour.ORIGINAL, Behaviour.REPORTED):
        assert idempotent_redelivery.settled_statuses(behaviour) == frozenset()


def test_a_tag_of_a_channel_that_is_gone_is_stale_in_the_hardened_worker_alone() -> None:
    """Guarantees that the number of a dead channel's delivery never settles another message."""
    delivery = Delivery(b"", tag=7, channel_epoch=1)
    for behaviour, stale in ((Behaviour.ORIGINAL, False), (Behaviour.REPORTED, False), (Behaviour.HARDENED, True)):
        is_stale = idempotent_redelivery.stale_check(behaviour)
        assert is_stale(delivery, 2) is stale
        assert is_stale(delivery, 1) is False


def test_one_conversation_is_in_one_deliverys_hands() -> None:
    """Guarantees that a message redelivered while its first delivery is still in work is not sent a second time."""
    in_hand = idempotent_redelivery.work_in_hand(Behaviour.HARDENED)
    first, second, other = (Delivery(b"", conversation_id=each) for each in ("c-0", "c-0", "c-1"))
    in_hand.message_read(first)
    in_hand.message_read(other)
    with pytest.raises(AlreadyInHandError, match="c-0"):
        in_hand.message_read(second)
    in_hand.after_message(second)  # what it does not hold it can't let go
    with pytest.raises(AlreadyInHandError):
        in_hand.message_read(second)
    in_hand.after_message(first)
    in_hand.message_read(second)


def test_the_original_lets_two_deliveries_be_worked_on() -> None:
    """Shows hole 14 in the worker as it was."""
    in_hand = idempotent_redelivery.work_in_hand(Behaviour.ORIGINAL)
    for delivery in (Delivery(b"", conversation_id="c-0"), Delivery(b"", conversation_id="c-0")):
        in_hand.message_read(delivery)


def test_a_finished_call_is_remembered_by_the_hardened_worker_alone() -> None:
    """Guarantees that an answer outlives a database outage, and that no outage fills the memory with answers."""
    finished = idempotent_redelivery.finished_calls(Behaviour.HARDENED)
    for number in range(1001):
        finished.remember(f"c-{number}", float(number))
    assert finished.recall("c-0") is None
    assert finished.recall("c-1000") == 1000
    finished.forget("c-1000")
    finished.forget("never heard of")
    assert finished.recall("c-1000") is None
    original = idempotent_redelivery.finished_calls(Behaviour.REPORTED)
    original.remember("c-0", 1.0)
    assert original.recall("c-0") is None


class Channel:
    """A channel that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def basic_qos(self, prefetch_count: int) -> None:
        """Note it."""
        self.asked.append(f"qos {prefetch_count}")

    def basic_consume(self, queue: str, on_message_callback: object) -> str:
        """Note it, and return a tag."""
        assert on_message_callback is not None
        self.asked.append(f"consume {queue}")
        return "tag"


@pytest.mark.parametrize(
    ("behaviour", "asked"),
    [
        (Behaviour.ORIGINAL, ["consume q", "qos 10"]),
        (Behaviour.REPORTED, ["consume q", "qos 10"]),
        (Behaviour.HARDENED, ["qos 10", "consume q"]),
    ],
)
def test_the_prefetch_is_set_before_the_consumer_in_the_hardened_worker_alone(
    behaviour: Behaviour, asked: list[str]
) -> None:
    """Guarantees M1's order of two calls, and the right one; what they do is tested on a real broker."""
    channel = Channel()
    assert prefetch_in_force.choose(behaviour)(channel, "q", 10, lambda: None) == "tag"
    assert channel.asked == asked


def test_the_score_stays_within_its_scale_and_grows_with_what_was_said() -> None:
    """Guarantees 0 to 100, and a better score for a child that says more."""
    silent, talkative = ConversationTally(), ConversationTally()
    for _ in range(2000):
        talkative.count("user", "x" * 10_000)
        talkative.count("assistant", "y")
    assert calculate_friendship_score(silent, 0) == 0
    assert calculate_friendship_score(talkative, 1000) == 100
    assert talkative.rows == 4000
    assert talkative.user_turns == 2000
