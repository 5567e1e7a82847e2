"""One publisher: one AMQP connection, one message in flight, every publish confirmed by the broker or accounted for.

Used by ``locustfile``, which runs several at once; it imports neither locust nor gevent, and works without them. It
writes no journal and repeats nothing: a message that was not confirmed is the caller's to write down as failed.

The thread (under Locust: the greenlet) is always inside pika's I/O loop, waiting or publishing. So heartbeats are
served and noticed, which a BlockingConnection that is left alone does not do, and a silent broker is given up on
after at most 2 * (HEARTBEAT_S + 5) seconds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pika
from pika.exceptions import AMQPError

if TYPE_CHECKING:
    from collections.abc import Callable

HEARTBEAT_S = 30
BLOCKED_TIMEOUT_S = 30.0  # pika waits for ever by default when the broker blocks publishers (memory or disk alarm)
CONNECT_TIMEOUT_S = 5.0  # for the TCP connection, and again for the AMQP handshake
RECONNECT_INTERVAL_S = 1.0  # between attempts while nothing is due; a restarting RabbitMQ needs about ten of them

# gaierror, refused and reset connections are OSErrors where pika lets them through.
_FAILURES = (AMQPError, OSError)


class Publisher:
    """Publishes to one queue through the default exchange.

    Args:
        url: AMQP URL; its user, password, host and virtual host are used, the limits are this module's.
        queue: The queue's name, which is the routing key.
        name: What the broker's list of connections calls it.
        sleep: Sleeps for a number of seconds; used only while there is no connection to wait on.

    """

    def __init__(self, url: str, queue: str, *, name: str, sleep: Callable[[float], object]) -> None:
        self._queue = queue
        self._sleep = sleep
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = HEARTBEAT_S
        self._parameters.blocked_connection_timeout = BLOCKED_TIMEOUT_S
        self._parameters.socket_timeout = CONNECT_TIMEOUT_S
        self._parameters.stack_timeout = 2 * CONNECT_TIMEOUT_S
        self._parameters.connection_attempts = 1
        self._parameters.client_properties = {"connection_name": name}
        self._connection: Any = None
        self._channel: Any = None

    def connect(self) -> str | None:
        """Connect, unless connected; return None, or what went wrong in a sentence."""
        if self._is_open():
            return None
        self._abandon()
        try:
            self._connection = pika.BlockingConnection(self._parameters)
            self._channel = self._connection.channel()
            self._channel.confirm_delivery()
        except _FAILURES as error:
            self._abandon()
            return f"not connected: {_describe(error)}"
        return None

    def wait_until(self, mono_s: float) -> None:
        """Return when the monotonic clock shows ``mono_s``; meanwhile serve the connection, or try to regain it."""
        while (left_s := mono_s - time.monotonic()) > 0:
            if not self._is_open() and self.connect() is not None:
                self._sleep(min(left_s, RECONNECT_INTERVAL_S))
                continue
            try:
                self._connection.sleep(max(0.0, min(mono_s - time.monotonic(), RECONNECT_INTERVAL_S)))
            except _FAILURES:
                self._abandon()

    def publish(self, message_id: str, body: bytes) -> str | None:
        """Publish one persistent message and wait for the broker's word; return None when it confirmed, else why not.

        The word comes at once for an unroutable or refused message, and within ``BLOCKED_TIMEOUT_S`` or the
        heartbeat's limit when none comes.
        """
        problem = self.connect()
        if problem is not None:
            return problem
        properties = pika.BasicProperties(delivery_mode=2, message_id=message_id, content_type="application/json")
        try:
            self._channel.basic_publish("", self._queue, body, properties, mandatory=True)
        except _FAILURES as error:
            return _describe(error)
        return None

    def close(self) -> None:
        """Say goodbye to the broker. May take as long as the broker takes to answer: the caller sets the limit."""
        if self._is_open():
            try:
                self._connection.close()
            except _FAILURES:
                self._abandon()

    def _is_open(self) -> bool:
        # A channel that the broker closed does not make pika raise while it waits: it has to be asked.
        return (
            self._connection is not None
            and self._connection.is_open
            and self._channel is not None
            and self._channel.is_open
        )

    def _abandon(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and connection.is_open:
            try:
                connection.close()
            except _FAILURES:
                return


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else repr(error)
