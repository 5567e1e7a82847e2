"""Remedy: which copies of a message exist while it is processed, and when they are freed.

It chooses the handler that the consumer and the retry job use, and holds the report's context manager.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from worker_under_test.conversation_message import parse_message
from worker_under_test.message_handling import MessageHandler, StreamedMessageHandler, WholeMessageHandler
from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService
    from worker_under_test.message_handling import MessageHook
    from worker_under_test.outcomes import Delivery

REMEDY = Remedy(
    name="clean_up",
    original="body, log, text and request, all alive during the call",
    reported="the same, then a context manager and gc.collect()",
    hardened="the body alone; rows are read and sent one by one",
    asked_for="3.2.4",
)


def choose(
    behaviour: Behaviour, service: ConversationEventProcessingService, hooks: tuple[MessageHook, ...] = ()
) -> MessageHandler:
    """Return the message handler of ``behaviour``."""
    handlers: dict[Behaviour, type[MessageHandler]] = {
        Behaviour.ORIGINAL: WholeMessageHandler,
        Behaviour.REPORTED: WholeMessageInContextHandler,
        Behaviour.HARDENED: StreamedMessageHandler,
    }
    return handlers[behaviour](service, hooks)


@contextmanager
def conversation_log_context(
    conversation_log: Any, formatted_conversation: Any = None, payload: Any = None
) -> Iterator[None]:
    """Free the three objects when the block ends: that is what the report promises.

    Hole 4: ``del`` here unbinds this function's own names; the caller's stay bound, and the objects alive. Hole 15:
    the report does not say what a full collection after each message costs, from ten threads that take turns under one
    lock.
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


class WholeMessageInContextHandler(MessageHandler):
    """Parses the message as a whole, inside the report's context manager."""

    def process(self, delivery: Delivery) -> None:
        """Process the message. The last two names are still None here, as they are in the report's own code."""
        formatted_conversation = None
        payload = None
        message = parse_message(delivery.body)
        self.identify(delivery, message["conversation_id"])
        conversation_log = message["conversation_log"]
        with conversation_log_context(conversation_log, formatted_conversation, payload):
            self._service.process_single_event_with_log(
                message["conversation_id"], message.get("user_id", ""), message.get("bot_id", ""), conversation_log
            )
