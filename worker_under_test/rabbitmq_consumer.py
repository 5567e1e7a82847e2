"""The consumer: takes messages from RabbitMQ, has them processed by ten threads, and settles them.

``assembly`` builds it, ``command_line`` calls ``run``. pika's connection belongs to the main thread; another thread
uses it only through ``add_callback_threadsafe``. What is done differently before and after the fix is not decided here
but by the remedies in ``ConsumerRemedies``.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pika
import pika.exceptions
import structlog

from worker_under_test.errors import OutcomeRefusedError
from worker_under_test.outcomes import Delivery, Failure, FailureKind, Settlement, describe_failure

if TYPE_CHECKING:
    import threading

    from worker_under_test.config_settings import Settings
    from worker_under_test.message_handling import MessageHandler, MessageHook
    from worker_under_test.remedies.bounded_queue import Admission
    from worker_under_test.remedies.exception_retention import ExceptionRetention
    from worker_under_test.remedies.idempotent_redelivery import StaleCheck
    from worker_under_test.remedies.prefetch_in_force import ConsumerStart
    from worker_under_test.remedies.timeout_outcome import FailureOutcome
    from worker_under_test.worker_stats import WorkerStats

logger = structlog.get_logger()

# How long the I/O loop may wait for the network before it looks at ``stopping``.
_IO_WAIT_S = 0.2
# A broker that does not answer while connecting is given up on; the back-off tries again.
_CONNECT_TIMEOUT_S = 10
_RECONNECT_BACKOFF_FACTOR_MAX = 30


@dataclass(frozen=True, slots=True)
class ConsumerRemedies:
    """The behaviours that the consumer is given."""

    start: ConsumerStart
    admission: Admission
    exception_retention: ExceptionRetention
    timeout_outcome: FailureOutcome
    other_error_outcome: FailureOutcome
    is_stale: StaleCheck


class RabbitMQConsumer:
    """One connection, one channel, one consumer, ``MAX_WORKERS`` threads."""

    def __init__(
        self,
        settings: Settings,
        handler: MessageHandler,
        hooks: tuple[MessageHook, ...],
        remedies: ConsumerRemedies,
        stats: WorkerStats,
        stopping: threading.Event,
    ) -> None:
        self._settings = settings
        self._handler = handler
        self._hooks = hooks
        self._remedies = remedies
        self._stats = stats
        self._stopping = stopping
        self.executor = ThreadPoolExecutor(max_workers=settings.max_workers, thread_name_prefix="worker")
        self.connection: Any = None
        self.channel: Any = None
        self._channel_epoch = 0

    def run(self) -> bool:
        """Consume until ``stopping`` is set, then drain; return whether everything in hand was finished in time."""
        backoff_s = self._settings.reconnect_backoff_s
        while not self._stopping.is_set():
            try:
                self._connect()
                backoff_s = self._settings.reconnect_backoff_s
                while not self._stopping.is_set():
                    self._serve_io()
            except (pika.exceptions.AMQPError, OSError) as error:
                logger.warning("connection_lost", error=f"{type(error).__name__}: {error}", retry_in_s=backoff_s)
                self._close()
                self._stopping.wait(backoff_s)
                backoff_s = min(2 * backoff_s, _RECONNECT_BACKOFF_FACTOR_MAX * self._settings.reconnect_backoff_s)
        return self._drain()

    def _connect(self) -> None:
        parameters = pika.URLParameters(self._settings.rabbitmq_url)
        parameters.heartbeat = self._settings.heartbeat_s
        parameters.socket_timeout = _CONNECT_TIMEOUT_S
        parameters.blocked_connection_timeout = _CONNECT_TIMEOUT_S
        self.connection = pika.BlockingConnection(parameters)
        self.channel = self.connection.channel()
        self._channel_epoch += 1
        self.channel.queue_declare(queue=self._settings.rabbitmq_queue, durable=True)
        self._remedies.start(self.channel, self._settings.rabbitmq_queue, self._settings.prefetch_count, self.callback)
        logger.info("consuming", queue=self._settings.rabbitmq_queue, channel_epoch=self._channel_epoch)

    def _serve_io(self) -> None:
        """Receive, send and dispatch for a moment.

        ``process_data_events`` does not raise when the broker closed only the channel, or cancelled only the consumer
        because its queue was deleted, so both are checked here.
        """
        self.connection.process_data_events(time_limit=_IO_WAIT_S)
        is_cancelled = not self.channel.consumer_tags and not self._stopping.is_set()
        if not self.channel.is_open or is_cancelled:
            raise pika.exceptions.AMQPChannelError("the broker closed the channel, or cancelled its consumer")

    def callback(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        """Take one delivery: queue it for a thread, unless the queue is full or the worker is stopping."""
        self._stats.add("delivered")
        if self._stopping.is_set():
            return  # unacknowledged, so the broker delivers it to another consumer
        delivery = Delivery(body, method.delivery_tag, self._channel_epoch)
        self._stats.live.take(delivery)
        if not self._check_queue_and_backpressure(delivery):
            return
        self._stats.add("executor_queue")
        self.executor.submit(self._process_message, delivery)

    def _check_queue_and_backpressure(self, delivery: Delivery) -> bool:
        """Return whether the message may be queued; one that may not is settled here."""
        settlement = self._remedies.admission(delivery, self._stats.waiting)
        if settlement is None:
            return True
        if settlement is not Settlement.REQUEUE_LATER:
            self._stats.add("failed")
        self._settle(delivery, settlement)
        return False

    def _process_message(self, delivery: Delivery) -> None:
        """Process one message, in a thread, and have it settled; the hooks run before and after."""
        for hook in self._hooks:
            hook.before_message(delivery)
        try:
            if self._stopping.is_set() or self._remedies.is_stale(delivery, self._channel_epoch):
                return  # the broker has it, or gets it back when the connection closes
            failure = self._remedies.exception_retention.attempt(self._handler, delivery)
            if failure is None:
                self._stats.add("processed")
            settlement = Settlement.ACK if failure is None else self._outcome(delivery, failure)
            self._settle_threadsafe(delivery, settlement)
        finally:
            for hook in reversed(self._hooks):
                hook.after_message(delivery)

    def _outcome(self, delivery: Delivery, failure: Failure) -> Settlement:
        """Record a failed message as far as the remedies ask for it, and return how to settle it."""
        logger.error(
            "message_failed",
            conversation_id=delivery.conversation_id,
            error_code=failure.error_code,
            error=failure.error_details,
        )
        try:
            settlement = self._outcome_of_kind(delivery, failure)
        except Exception as error:  # noqa: BLE001 - a message that is never settled costs a prefetch slot
            logger.warning("outcome_failed", conversation_id=delivery.conversation_id, error=repr(error))
            settlement = Settlement.REQUEUE_LATER
        if settlement is Settlement.ACK:
            self._stats.add("failed")
        return settlement

    def _outcome_of_kind(self, delivery: Delivery, failure: Failure) -> Settlement:
        try:
            if failure.kind is FailureKind.TIMEOUT:
                self._stats.add("timeouts")
                return self._remedies.timeout_outcome(delivery, failure)
            return self._remedies.other_error_outcome(delivery, failure)
        except OutcomeRefusedError as error:
            return self._remedies.other_error_outcome(delivery, describe_failure(error))

    def _settle_threadsafe(self, delivery: Delivery, settlement: Settlement) -> None:
        """Have the main thread settle the message; without a connection there is nothing to settle."""
        try:
            self.connection.add_callback_threadsafe(partial(self._settle, delivery, settlement))
        except pika.exceptions.AMQPError as error:
            logger.info("settlement_dropped", conversation_id=delivery.conversation_id, error=type(error).__name__)

    def _settle(self, delivery: Delivery, settlement: Settlement) -> None:
        """Send the settlement to the broker; on the main thread."""
        if self._remedies.is_stale(delivery, self._channel_epoch):
            logger.info("stale_settlement_dropped", conversation_id=delivery.conversation_id)
        elif settlement is Settlement.ACK:
            self.channel.basic_ack(delivery.tag)
            self._stats.add("acked")
        elif settlement is Settlement.NACK_REQUEUE:
            self._do_nack_requeue(delivery)
        elif settlement is Settlement.NACK_DROP:
            self._do_nack_no_requeue(delivery)
        else:
            delivery.body = b""
            self.connection.call_later(
                self._settings.requeue_backoff_s, partial(self._settle, delivery, Settlement.NACK_REQUEUE)
            )

    def _do_nack_requeue(self, delivery: Delivery) -> None:
        self.channel.basic_nack(delivery.tag, requeue=True)
        self._stats.add("nacked_requeue")

    def _do_nack_no_requeue(self, delivery: Delivery) -> None:
        self.channel.basic_nack(delivery.tag, requeue=False)
        self._stats.add("nacked_dropped")

    def _drain(self) -> bool:
        """Take nothing new, wait until the threads have finished and their settlements are sent, and close.

        What waits in the executor's queue goes back to the broker.
        """
        deadline = time.monotonic() + self._settings.shutdown_grace_s
        self._cancel_consumer()
        self.executor.shutdown(wait=False)  # what is still queued returns at once, since ``stopping`` is set
        while self._stats.unfinished and time.monotonic() < deadline:
            self._serve_io_or_wait()
        self._serve_io_or_wait()  # the last threads' settlements
        self._close()
        unfinished = self._stats.unfinished
        logger.info("drained", unfinished=unfinished)
        return unfinished == 0

    def _cancel_consumer(self) -> None:
        """Have the broker deliver nothing more: each acknowledgement of the drain would bring another message."""
        if self.connection is None or not self.connection.is_open or not self.channel.is_open:
            return
        try:
            for tag in list(self.channel.consumer_tags):
                self.channel.basic_cancel(tag)
        except (pika.exceptions.AMQPError, OSError) as error:
            logger.warning("consumer_not_cancelled", error=f"{type(error).__name__}: {error}")

    def _serve_io_or_wait(self) -> None:
        """Serve the connection while there is one; a lost one is not replaced any more."""
        if self.connection is None or not self.connection.is_open:
            time.sleep(_IO_WAIT_S)
            return
        try:
            self._serve_io()
        except (pika.exceptions.AMQPError, OSError) as error:
            logger.warning("connection_lost_while_draining", error=f"{type(error).__name__}: {error}")
            self._close()

    def _close(self) -> None:
        """Close the connection; what was not settled goes back to the queue."""
        if self.connection is None or not self.connection.is_open:
            return
        try:
            self.connection.close()
        except (pika.exceptions.AMQPError, OSError) as error:
            logger.info("close_failed", error=type(error).__name__)
