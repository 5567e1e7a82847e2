"""The worker's queue in a virtual host of its own: made for one trial, deleted with all it holds afterwards.

Trials share a broker and nothing on it: what one arm left unacknowledged can't reach the next.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.environment.broker.broker import Broker
    from harness.environment.broker.management_api import Consumer, QueueCounts


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """One queue on one broker. Its verbs raise PartFailedError when the management API does not answer."""

    broker: Broker
    vhost: str
    name: str

    def figures(self) -> QueueCounts:
        """Return the queue's counts; they lag by up to a second."""
        return self.broker.api.queue(self.name, vhost=self.vhost)

    def consumers(self) -> tuple[Consumer, ...]:
        """Return the queue's consumers with the prefetch in force."""
        return self.broker.api.consumers(self.name, vhost=self.vhost)

    def amqp_url(self, *, host: str | None = None, port: int | None = None) -> str:
        """Return the AMQP URL of the virtual host; ``host`` and ``port`` are those of a link through the proxy."""
        return self.broker.amqp_url(self.vhost, host=host, port=port)


@contextmanager
def work_queue(broker: Broker, vhost: str, name: str) -> Iterator[WorkQueue]:
    """Make the virtual host ``vhost`` with the durable queue ``name``; delete both afterwards."""
    broker.api.create_vhost(vhost)
    try:
        broker.api.declare_queue(name, vhost=vhost)
        yield WorkQueue(broker, vhost, name)
    finally:
        broker.api.delete_vhost(vhost)
