"""Remedy: which copies of a message exist while it is processed, and when they go.

The consumer and the retry job hand a message to one of these; each drives the processing service in its own way.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from worker_under_test.conversation_message import parse_message
from worker_under_test.remedies.behaviour import Behaviour, Remedy
from worker_under_test.streamed_conversation import read_conversation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService
    from worker_under_test.outcomes import Delivery
    from worker_under_test.remedies.idempotent_redelivery import WorkInHand

REMEDY = Remedy(
    name="clean_up",
    original="body, log, text and request, all alive during the call",
    report="the same, then a context manager and gc.collect()",
    hardened="the body alone; rows are read and sent one by one",
    asked_for="3.2.4",
)


class MessageHandling(Protocol):
    """Takes one message through the whole flow."""

    def __call__(self, service: ConversationEventProcessingService, in_hand: WorkInHand, delivery: Delivery) -> None:
        """Process ``delivery``, and note its conversation's id there as soon as it is known; raise what went wrong."""
        ...


def choose(behaviour: Behaviour) -> MessageHandling:
    """Return the handling of ``behaviour``."""
    return {Behaviour.ORIGINAL: whole, Behaviour.REPORT: whole_in_context, Behaviour.HARDENED: streamed}[behaviour]


def whole(service: ConversationEventProcessingService, in_hand: WorkInHand, delivery: Delivery) -> None:
    """Parse the message, and process it."""
    message = parse_message(delivery.body)
    delivery.conversation_id = message["conversation_id"]
    in_hand.take(delivery)
    conversation_log = message["conversation_log"]
    service.process_single_event_with_log(
        message["conversation_id"], message.get("user_id", ""), message.get("bot_id", ""), conversation_log
    )


@contextmanager
def conversation_log_context(
    conversation_log: Any, formatted_conversation: Any = None, payload: Any = None
) -> Iterator[None]:
    """Free the three when the block ends, says the report.

    Hole 4: ``del`` here unbinds this function's own names; the caller's stay bound, and the objects alive. Hole 15:
    the price of a full collection after each message, from ten threads that take turns under one lock, is in nobody's
    table.
    """
    try:
        yield
    finally:
        if conversation_log:
            del conversation_log
        if formatted_conversation:
            del formatted_conversation
        if payload:
            del payload
        gc.collect()


def whole_in_context(service: ConversationEventProcessingService, in_hand: WorkInHand, delivery: Delivery) -> None:
    """Parse the message, and process it inside the report's context manager.

    The last two names are still None here, as they are in the report's own code.
    """
    formatted_conversation = None
    payload = None
    message = parse_message(delivery.body)
    delivery.conversation_id = message["conversation_id"]
    in_hand.take(delivery)
    conversation_log = message["conversation_log"]
    with conversation_log_context(conversation_log, formatted_conversation, payload):
        service.process_single_event_with_log(
            message["conversation_id"], message.get("user_id", ""), message.get("bot_id", ""), conversation_log
        )


def streamed(service: ConversationEventProcessingService, in_hand: WorkInHand, delivery: Delivery) -> None:
    """Check the message row by row, and process it from its body."""
    conversation = read_conversation(delivery.body)
    delivery.conversation_id = conversation.conversation_id
    in_hand.take(delivery)
    service.process_single_event_streamed(conversation)
