"""Handles one message: reads it, has it processed by the service, and calls the hooks around it in order.

The consumer and the retry job hand a delivery to a ``MessageHandler``. Which handler a worker gets is decided by
``remedies.clean_up``; a remedy that acts at a certain moment of every message is a ``MessageHook``. Nothing here
settles a message with the broker.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from worker_under_test.conversation_message import parse_message
from worker_under_test.streamed_conversation import read_conversation

if TYPE_CHECKING:
    from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService
    from worker_under_test.outcomes import Delivery


class MessageHook:
    """Something that happens at named moments of every message. Each method does nothing unless it is overridden.

    The consumer calls ``before_message`` and ``after_message``, the handler the other two. The hooks are called in the
    order in which they were given, ``after_message`` in the reverse order.
    """

    def before_message(self, delivery: Delivery) -> None:
        """Run when a thread takes the message, before it is read."""

    def message_read(self, delivery: Delivery) -> None:
        """Run when the message's conversation id is known, before any call is made. An error fails the message."""

    def message_failed(self, delivery: Delivery, error: Exception) -> None:
        """Run when the message has failed with ``error``."""

    def after_message(self, delivery: Delivery) -> None:
        """Run when the thread has done all it does for the message, whether it failed or not."""


class MessageHandler(ABC):
    """Takes one message through the whole flow; any number of threads may use it at once."""

    def __init__(self, service: ConversationEventProcessingService, hooks: tuple[MessageHook, ...] = ()) -> None:
        self._service = service
        self._hooks = hooks

    def handle(self, delivery: Delivery) -> None:
        """Read and process ``delivery``. Whatever goes wrong is shown to the hooks and raised."""
        try:
            self.process(delivery)
        except Exception as error:
            for hook in self._hooks:
                hook.message_failed(delivery, error)
            raise

    @abstractmethod
    def process(self, delivery: Delivery) -> None:
        """Read the message, call ``identify``, and have the service process it."""

    def identify(self, delivery: Delivery, conversation_id: str) -> None:
        """Note which conversation the delivery is about, and call the hooks that wait for it."""
        delivery.conversation_id = conversation_id
        for hook in self._hooks:
            hook.message_read(delivery)


class WholeMessageHandler(MessageHandler):
    """Parses the message as a whole, as the original did."""

    def process(self, delivery: Delivery) -> None:
        """Process the message with its body, its log and its text in memory at once."""
        message = parse_message(delivery.body)
        self.identify(delivery, message["conversation_id"])
        conversation_log = message["conversation_log"]
        self._service.process_single_event_with_log(
            message["conversation_id"], message.get("user_id", ""), message.get("bot_id", ""), conversation_log
        )


class StreamedMessageHandler(MessageHandler):
    """Checks the message row by row, and processes it from its body."""

    def process(self, delivery: Delivery) -> None:
        """Process the message with nothing but its body in memory."""
        conversation = read_conversation(delivery.body)
        self.identify(delivery, conversation.conversation_id)
        self._service.process_single_event_streamed(conversation)
