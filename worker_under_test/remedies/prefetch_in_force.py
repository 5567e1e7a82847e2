"""Remedy: whether the configured prefetch applies to the consumer that the worker starts.

``basic.qos`` with ``global=false``, which is pika's default, applies to the consumers started *after* it on the
channel. The report shows "Prefetch: 10" and 20 to 40 messages in a queue behind 10 threads; both can't be true, so
the prefetch was not in force (incident.md, section 7, hole 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable

REMEDY = Remedy(
    name="prefetch_in_force",
    original="basic_qos after basic_consume: the broker pushes the whole backlog",
    reported="as it was",
    hardened="basic_qos before basic_consume",
    asked_for="not in the report, which assumes it (hole 1)",
)


class ConsumerStart(Protocol):
    """Starts the consumer on a fresh channel."""

    def __call__(self, channel: Any, queue: str, prefetch_count: int, callback: Callable[..., None]) -> str:
        """Return the consumer's tag."""
        ...


def choose(behaviour: Behaviour) -> ConsumerStart:
    """Return the start of ``behaviour``."""
    return qos_first if behaviour is Behaviour.HARDENED else consume_first


def consume_first(channel: Any, queue: str, prefetch_count: int, callback: Callable[..., None]) -> str:
    """Start to consume, then set the prefetch: it waits for the channel's next consumer, and there is none.

    Hole 2: what the broker pushes then waits in the executor's queue, each message with its whole body, 3 MB.
    """
    tag = channel.basic_consume(queue=queue, on_message_callback=callback)
    channel.basic_qos(prefetch_count=prefetch_count)
    return str(tag)


def qos_first(channel: Any, queue: str, prefetch_count: int, callback: Callable[..., None]) -> str:
    """Set the prefetch, then start to consume."""
    channel.basic_qos(prefetch_count=prefetch_count)
    return str(channel.basic_consume(queue=queue, on_message_callback=callback))
