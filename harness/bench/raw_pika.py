"""The floor under everything that goes through the broker: pika alone, one connection, nothing done with a message.

The benchmarks ``burst_to_kill`` and ``publisher`` compare with it. It keeps no journal and no schedule; whoever wants
those uses ``harness.load``.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pika
from pika.exceptions import AMQPError

from harness.errors import PartFailedError, WaitTimeoutError
from harness.load.publisher import BLOCKED_TIMEOUT_S
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.environment.broker.work_queue import WorkQueue
    from harness.load.schedule import Arrival
    from harness.protocols.payload import Template

# Four seconds for the largest measurement on an idle machine; thirty times that is a broker that no longer sends.
_DRAIN_TIMEOUT_S = 120.0
_LOOK_INTERVAL_S = 1.0
_FILLED_TIMEOUT_S = 30.0  # the management API's counts lag by a second


@dataclass(frozen=True, slots=True)
class Transfer:
    """So many messages in so much time."""

    messages: int
    size_bytes: int  # bodies only
    took_s: float

    @property
    def bytes_per_s(self) -> float:
        """The rate."""
        return self.size_bytes / self.took_s


def publish(url: str, queue: str, arrivals: Sequence[Arrival], pool: Sequence[Template], *, confirms: bool) -> Transfer:
    """Publish all ``arrivals`` at once, persistent, their intended times overlooked; return what it took.

    With ``confirms`` each waits for the broker's word, as the publishers' connections do. Without, the clock stops
    when the broker has answered the closing of the channel, which it does once it has read everything before it.
    Raises PartFailedError.
    """
    size_bytes = 0
    with _channel(url) as channel:
        if confirms:
            channel.confirm_delivery()
        began_mono_s = time.monotonic()
        for arrival in arrivals:
            body = pool[arrival.template].body(arrival.message_id)
            properties = pika.BasicProperties(
                delivery_mode=2, message_id=arrival.message_id, content_type="application/json"
            )
            channel.basic_publish("", queue, body, properties, mandatory=confirms)
            size_bytes += len(body)
        if not confirms:
            channel.close()
        return Transfer(len(arrivals), size_bytes, time.monotonic() - began_mono_s)


def wait_until_filled(queue: WorkQueue, messages: int) -> None:
    """Wait until the broker counts so many messages in the queue: none was lost on the way. Raises WaitTimeoutError."""
    wait_for(
        f"{messages} messages to be in the queue {queue.name}",
        lambda: queue.counts().work.ready == messages,
        timeout_s=_FILLED_TIMEOUT_S,
    )


def drain(url: str, queue: str, messages: int) -> Transfer:
    """Consume ``messages`` that the queue holds already, without acknowledgements, and drop each; return what it took.

    Raises WaitTimeoutError when they do not all come in two minutes, PartFailedError when the broker hangs up.
    """
    seen = _Seen()
    with _channel(url) as channel:
        began_mono_s = time.monotonic()
        channel.basic_consume(queue, seen.take, auto_ack=True)
        # pika does not raise here when the broker closes the channel: it has to be asked.
        while seen.messages < messages and channel.is_open:
            channel.connection.process_data_events(time_limit=_LOOK_INTERVAL_S)
            if time.monotonic() - began_mono_s > _DRAIN_TIMEOUT_S:
                raise WaitTimeoutError(
                    f"waited {_DRAIN_TIMEOUT_S:g} s for {messages} messages of {queue}, in vain; {seen.messages} came"
                )
        took_s = time.monotonic() - began_mono_s
    if seen.messages < messages:
        raise PartFailedError(f"the broker closed the channel after {seen.messages} of {messages} messages of {queue}")
    return Transfer(seen.messages, seen.size_bytes, took_s)


class _Seen:
    """Counts what comes, and keeps nothing of it."""

    def __init__(self) -> None:
        self.messages = 0
        self.size_bytes = 0

    def take(self, _channel: object, _method: object, _properties: object, body: bytes) -> None:
        self.messages += 1
        self.size_bytes += len(body)


@contextmanager
def _channel(url: str) -> Iterator[Any]:
    """Open a connection with one channel; what pika raises becomes PartFailedError."""
    parameters = pika.URLParameters(url)
    parameters.blocked_connection_timeout = BLOCKED_TIMEOUT_S
    try:
        with pika.BlockingConnection(parameters) as connection:
            yield connection.channel()
    except (AMQPError, OSError) as error:
        raise PartFailedError(f"pika and the broker did not get along: {error!r}") from error
