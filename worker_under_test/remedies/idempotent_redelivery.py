"""Remedy: what happens to a redelivered message and to a stale acknowledgement.

Hole 14: after a crash or a lost connection the broker delivers again what was not acknowledged. Some of it was
finished; and the threads that still work on the first delivery hold tags of a channel that is gone. The same number
on the new channel is another message.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from worker_under_test.conversation_event_model import ConversationEventStatus
from worker_under_test.errors import AlreadyInHandError
from worker_under_test.message_handling import MessageHook
from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    from worker_under_test.outcomes import Delivery

REMEDY = Remedy(
    name="idempotent_redelivery",
    original="processed again; tags are used on whatever channel is open",
    reported="as it was",
    hardened="what was finished is recorded and acknowledged without a call; stale work and stale tags are dropped",
    asked_for="not in the report (hole 14)",
)

_SETTLED = frozenset(
    {
        ConversationEventStatus.PROCESSED,
        ConversationEventStatus.SKIPPED,
        ConversationEventStatus.FAILED,  # recorded, its message kept: it is the retry job's
        ConversationEventStatus.PERMANENTLY_FAILED,
    }
)


# A score is a hundred bytes. A worker has this many unrecorded ones only in an outage during which the memory API works
# on: two minutes of ten threads at full speed, and the processing service asks the database before it calls.
_FINISHED_MAX = 1000


class WorkInHand(MessageHook):
    """The conversations that a thread of this worker is at work on, until their outcome is recorded.

    A thread that was cut off from the broker finishes its call; the redelivered message waits for that instead of
    calling a second time. It does not know of other worker processes: between those, pika-mem0 has the
    ``Idempotency-Key``. The retry job has the database's claim instead.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, Delivery] = {}  # at most one for each thread

    def message_read(self, delivery: Delivery) -> None:
        """Have ``delivery`` hold its conversation until the thread is done with it.

        Raises:
            AlreadyInHandError: an earlier delivery of the same message holds it.
        """
        if delivery.conversation_id is None:
            return
        with self._lock:
            if self._holders.setdefault(delivery.conversation_id, delivery) is not delivery:
                raise AlreadyInHandError(
                    f"conversation {delivery.conversation_id} is still in work for an earlier delivery"
                )

    def after_message(self, delivery: Delivery) -> None:
        """Release what ``delivery`` holds, if it holds anything."""
        with self._lock:
            if delivery.conversation_id is not None and self._holders.get(delivery.conversation_id) is delivery:
                del self._holders[delivery.conversation_id]


class FinishedCalls:
    """The scores of conversations whose call succeeded, until they are recorded.

    While the database is away the message goes back to the broker; when it comes again, the answer is still known. It
    is lost with the process, and then the call is repeated under its ``Idempotency-Key``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scores: dict[str, float] = {}  # in the order they came

    def remember(self, conversation_id: str, friendship_score: float) -> None:
        """Keep a score; beyond the bound the oldest is dropped."""
        with self._lock:
            self._scores[conversation_id] = friendship_score
            if len(self._scores) > _FINISHED_MAX:
                del self._scores[next(iter(self._scores))]

    def recall(self, conversation_id: str) -> float | None:
        """Return the score of a call that needs no repeating, or None."""
        with self._lock:
            return self._scores.get(conversation_id)

    def forget(self, conversation_id: str) -> None:
        """Drop a score that is recorded."""
        with self._lock:
            self._scores.pop(conversation_id, None)


class NoFinishedCalls(FinishedCalls):
    """Keeps nothing, as the original did when it could not record the outcome of a call."""

    def remember(self, conversation_id: str, friendship_score: float) -> None:
        """Keep nothing."""


class StaleCheck(Protocol):
    """Recognises deliveries of a channel that is gone."""

    def __call__(self, delivery: Delivery, channel_epoch: int) -> bool:
        """Return whether ``delivery`` must be left alone, now that the channel is number ``channel_epoch``."""
        ...


def settled_statuses(behaviour: Behaviour) -> frozenset[ConversationEventStatus]:
    """Return the statuses of which a delivery needs no more work."""
    return _SETTLED if behaviour is Behaviour.HARDENED else frozenset()


def work_in_hand(behaviour: Behaviour) -> MessageHook:
    """Return the hook of ``behaviour``, one for each worker; the original let any number of threads work on one."""
    return WorkInHand() if behaviour is Behaviour.HARDENED else MessageHook()


def finished_calls(behaviour: Behaviour) -> FinishedCalls:
    """Return the record of finished calls of ``behaviour``; one for each worker."""
    return FinishedCalls() if behaviour is Behaviour.HARDENED else NoFinishedCalls()


def stale_check(behaviour: Behaviour) -> StaleCheck:
    """Return the check of ``behaviour``."""
    return is_of_another_channel if behaviour is Behaviour.HARDENED else never_stale


def never_stale(delivery: Delivery, channel_epoch: int) -> bool:  # noqa: ARG001 - the protocol's signature
    """Treat any tag as a tag of the open channel."""
    return False


def is_of_another_channel(delivery: Delivery, channel_epoch: int) -> bool:
    """A tag dies with its channel; the broker has requeued the message already."""
    return delivery.channel_epoch != channel_epoch
