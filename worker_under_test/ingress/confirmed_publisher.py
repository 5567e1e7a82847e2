"""Publishes the ingress' messages from one thread with one connection; each is confirmed or reported as failed.

pika's blocking connection may only be used by one thread, and would block the event loop; so requests put their
messages into a bounded queue and await a future. Nothing is repeated here: the client of the ingress does that, because
a message that was not confirmed may be in the queue nevertheless.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pika
import structlog
from pika.exceptions import AMQPError

from worker_under_test.errors import PublishFailedError

if TYPE_CHECKING:
    from worker_under_test.config_settings import Settings

logger = structlog.get_logger()

_CONNECT_TIMEOUT_S = 5.0  # for the TCP connection, and again for the AMQP handshake
_IDLE_S = 0.2  # how often heartbeats are served, and how late a stop or a lost connection is noticed
_BACKOFF_DOUBLINGS = 5  # the wait before a reconnect grows to about 30 × the first, as the worker's
_JOIN_TIMEOUT_S = 5.0  # the request of a publish that hangs has already got its 503
# gaierror, refused and reset connections are OSErrors where pika lets them through.
_FAILURES = (AMQPError, OSError)


@dataclass(frozen=True, slots=True)
class _Job:
    conversation_id: str
    body: bytes
    confirmed: Future[None]


class ConfirmedPublisher:
    """Publishes to the work queue. Its thread runs while the context lasts; what waits at its end is refused."""

    def __init__(self, settings: Settings) -> None:
        self._queue_name = settings.rabbitmq_queue
        self._parameters = pika.URLParameters(settings.rabbitmq_url)
        self._parameters.heartbeat = settings.heartbeat_s
        self._parameters.connection_attempts = 1
        self._parameters.socket_timeout = _CONNECT_TIMEOUT_S
        self._parameters.stack_timeout = 2 * _CONNECT_TIMEOUT_S
        # A broker above its memory watermark blocks publishers; pika alone would wait for ever.
        self._parameters.blocked_connection_timeout = settings.ingress_publish_timeout_s
        self._backoff_s = settings.reconnect_backoff_s
        self._failed_attempts = 0
        self._next_attempt_mono_s = 0.0
        self._jobs: queue.Queue[_Job] = queue.Queue(settings.ingress_queue_max_size)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="confirmed-publisher", daemon=True)
        self._connection: Any = None
        self._channel: Any = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(_JOIN_TIMEOUT_S)

    @property
    def is_connected(self) -> bool:
        """Whether the connection was open when the thread last used it."""
        connection, channel = self._connection, self._channel
        # pika does not raise while it waits when the broker closed the channel: it has to be checked.
        return bool(connection is not None and connection.is_open and channel is not None and channel.is_open)

    def submit(self, conversation_id: str, body: bytes) -> Future[None]:
        """Queue one message; the future ends when the broker confirmed it, or with PublishFailedError.

        A future that is cancelled before its turn is not published. Raises PublishFailedError when the queue is full.
        """
        job = _Job(conversation_id, body, Future())
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise PublishFailedError(f"{self._jobs.maxsize} messages wait to be published already") from None
        return job.confirmed

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._keep_connected()
            try:
                job = self._jobs.get(timeout=_IDLE_S)
            except queue.Empty:
                self._serve()
            else:
                self._settle(job)
        self._refuse_what_waits()
        self._abandon()

    def _refuse_what_waits(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                confirmed = self._jobs.get_nowait().confirmed
                if confirmed.set_running_or_notify_cancel():
                    confirmed.set_exception(PublishFailedError("the ingress is shutting down"))

    def _settle(self, job: _Job) -> None:
        """Publish one message, unless its request has given up, and complete its future."""
        if not job.confirmed.set_running_or_notify_cancel():
            return
        try:
            self._publish(job)
        except PublishFailedError as error:
            job.confirmed.set_exception(error)
        except Exception as error:  # noqa: BLE001 - without this thread every later request waits
            self._abandon()
            job.confirmed.set_exception(PublishFailedError(repr(error)))
        else:
            job.confirmed.set_result(None)

    def _publish(self, job: _Job) -> None:
        if not self.is_connected:
            raise PublishFailedError("the broker is not connected")
        properties = pika.BasicProperties(
            delivery_mode=2, message_id=job.conversation_id, content_type="application/json"
        )
        try:
            self._channel.basic_publish("", self._queue_name, job.body, properties, mandatory=True)
        except _FAILURES as error:
            raise PublishFailedError(f"not confirmed: {type(error).__name__}: {error}") from None

    def _keep_connected(self) -> None:
        if self.is_connected or time.monotonic() < self._next_attempt_mono_s:
            return
        self._abandon()
        try:
            self._connection = pika.BlockingConnection(self._parameters)
            self._channel = self._connection.channel()
            self._channel.confirm_delivery()
        except _FAILURES as error:
            wait_s = self._backoff_s * 2 ** min(self._failed_attempts, _BACKOFF_DOUBLINGS)
            self._failed_attempts += 1
            self._next_attempt_mono_s = time.monotonic() + wait_s
            logger.warning("ingress_not_connected", error=repr(error), next_attempt_s=wait_s)
        else:
            self._failed_attempts = 0
            logger.info("ingress_connected", queue=self._queue_name)

    def _serve(self) -> None:
        """Answer heartbeats, and notice a lost connection."""
        if not self.is_connected:
            return
        try:
            self._connection.process_data_events(time_limit=0)
        except _FAILURES as error:
            logger.warning("ingress_connection_lost", error=repr(error))

    def _abandon(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and connection.is_open:
            with contextlib.suppress(*_FAILURES):
                connection.close()
