"""The broker of a run and the namespace of one trial on it: queues, counts, and what each consumer holds.

Kept by ``broker`` (a private node, a container, or a broker given by URL) and ``work_queue``. What a fault may do to a
broker is an ability of its own (``harness.faults.context``): one that was given by URL can't be killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.environment.broker.management_api import Consumer
    from harness.environment.broker.work_queue import NamespaceCounts


class Broker(Protocol):
    """A broker that answers. Neither ``repr`` nor messages show its password."""

    @property
    def upstream(self) -> str:
        """``host:port`` of AMQP, for a proxy to connect to."""
        ...

    def amqp_url(self, vhost: str | None = None, *, host: str | None = None, port: int | None = None) -> str:
        """Return the AMQP URL, password included; ``host`` and ``port`` are those of a link through the proxy."""
        ...


class WorkQueue(Protocol):
    """The worker's queue in the trial's namespace. Its verbs raise PartFailedError when the broker does not answer."""

    @property
    def name(self) -> str:
        """The queue's name, which is the routing key of every message."""
        ...

    def counts(self) -> NamespaceCounts:
        """Return the counts of messages of all queues of the namespace; they lag by up to a second."""
        ...

    def consumers(self) -> tuple[Consumer, ...]:
        """Return the queue's consumers, with what each may hold."""
        ...

    def amqp_url(self, *, host: str | None = None, port: int | None = None) -> str:
        """Return the AMQP URL of the namespace."""
        ...
