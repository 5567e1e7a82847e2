"""The dead-letter exchange: where a message goes that no retry can help, and the queue behind it.

Used by ``remedies.other_error_outcome``, from executor threads, so that the consumer's I/O does not wait for a confirm;
and by ``remedies.bounded_queue``, from the I/O thread, so that it does. Each put opens a connection of its own. The
exchange ``<queue>.dlx`` and the queue ``<queue>.dead`` are durable; people read the queue, or bind another. The
work queue itself gets no dead-letter arguments: changing those would mean deleting it, and a broker that dead-letters
by itself does so without a confirm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pika
import pika.exceptions
import structlog

from worker_under_test.errors import DeadLetterError
from worker_under_test.outcomes import Settlement

if TYPE_CHECKING:
    from worker_under_test.config_settings import Settings
    from worker_under_test.outcomes import Delivery

logger = structlog.get_logger()

# Covers connecting and the confirm; a broker above its memory watermark blocks publishers for as long as that lasts.
_PUT_TIMEOUT_S = 10


class DeadLetters(Protocol):
    """Stores messages that can't be processed."""

    def put(self, body: bytes, reason: str) -> None:
        """Store ``body``; when this returns, it is stored.

        Raises:
            DeadLetterError: it may not be stored.
        """
        ...


def store_dead_letter(dead_letters: DeadLetters, delivery: Delivery, reason: str) -> Settlement:
    """Store a message among the dead letters; give it back to the broker, later, when that is not confirmed."""
    try:
        dead_letters.put(delivery.body, reason)
    except DeadLetterError as error:
        logger.warning("dead_letter_not_confirmed", error=str(error))
        return Settlement.REQUEUE_LATER
    return Settlement.ACK


class DeadLetterQueue:
    """A durable exchange beside the work queue, and a durable queue that is bound to it."""

    def __init__(self, settings: Settings) -> None:
        self.name = f"{settings.rabbitmq_queue}.dead"
        self.exchange = f"{settings.rabbitmq_queue}.dlx"
        self._parameters = pika.URLParameters(settings.rabbitmq_url)
        self._parameters.connection_attempts = 1
        self._parameters.socket_timeout = _PUT_TIMEOUT_S
        self._parameters.blocked_connection_timeout = _PUT_TIMEOUT_S

    def put(self, body: bytes, reason: str) -> None:
        """Publish ``body``, persistent, and wait for the broker's confirm."""
        properties = pika.BasicProperties(delivery_mode=2, headers={"reason": reason})
        try:
            connection = pika.BlockingConnection(self._parameters)
            try:
                channel = connection.channel()
                channel.exchange_declare(self.exchange, "fanout", durable=True)
                channel.queue_declare(self.name, durable=True)
                channel.queue_bind(self.name, self.exchange)
                channel.confirm_delivery()
                channel.basic_publish(self.exchange, "", body, properties, mandatory=True)
            finally:
                connection.close()
        except (pika.exceptions.AMQPError, OSError) as error:
            raise DeadLetterError(f"{self.name}: {type(error).__name__}: {error}") from error
