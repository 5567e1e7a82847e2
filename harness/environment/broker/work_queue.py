"""The worker's queue in a virtual host of its own: made for one trial, deleted with all it holds afterwards.

Trials share a broker and nothing on it: what one arm left unacknowledged can't reach the next. The worker may declare
queues of its own beside it; they are the trial's too, and what waits in them is still under way.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.record import QueueKind
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.environment.broker.broker import Broker
    from harness.environment.broker.management_api import Consumer, QueueCounts

_POLICY_TIMEOUT_S = 10.0  # a policy holds at once; its statistics are a second old


@dataclass(frozen=True, slots=True)
class NamespaceCounts:
    """All queues of a trial at one moment; counts lag by up to a second."""

    work: QueueCounts
    others: tuple[tuple[QueueKind, QueueCounts], ...]

    @property
    def waiting_elsewhere(self) -> int:
        """How many messages other queues hold that are still under way: consumed, in hand, or waiting for a time."""
        return sum(counts.messages for kind, counts in self.others if kind is not QueueKind.ASIDE or counts.unacked)

    @property
    def settled(self) -> bool:
        """Whether no message is still under way in any queue."""
        return self.work.messages == 0 and self.waiting_elsewhere == 0

    @property
    def text(self) -> str:
        """What is where, for people."""
        elsewhere = [
            f", {counts.messages} in {counts.name} ({kind})" for kind, counts in self.others if counts.messages
        ]
        return f"{self.work.ready} ready, {self.work.unacked} unacknowledged{''.join(elsewhere)}"


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """One queue on one broker. Its verbs raise PartFailedError when the management API does not answer."""

    broker: Broker
    vhost: str
    name: str

    def counts(self) -> NamespaceCounts:
        """Return the counts of all queues of the virtual host."""
        found = self.broker.api.queues(vhost=self.vhost)
        work = next((counts for counts in found if counts.name == self.name), None)
        if work is None:  # gone: the API's own words for that
            work = self.broker.api.queue(self.name, vhost=self.vhost)
        return NamespaceCounts(work, tuple((kind_of(each), each) for each in found if each.name != self.name))

    def consumers(self) -> tuple[Consumer, ...]:
        """Return the queue's consumers with the prefetch in force."""
        return self.broker.api.consumers(self.name, vhost=self.vhost)

    def amqp_url(self, *, host: str | None = None, port: int | None = None) -> str:
        """Return the AMQP URL of the virtual host; ``host`` and ``port`` are those of a link through the proxy."""
        return self.broker.amqp_url(self.vhost, host=host, port=port)


def kind_of(queue: QueueCounts) -> QueueKind:
    """Return what a queue beside the work queue is for, by what can be seen of it."""
    if queue.consumers:
        return QueueKind.CONSUMED
    return QueueKind.WAITING if queue.moves_on else QueueKind.ASIDE


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The kind of a work queue, and the limits and timers that the broker keeps for it (real milliseconds)."""

    kind: str = "classic"  # or "quorum"
    policy: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def work_queue(broker: Broker, vhost: str, name: str, settings: QueueSettings | None = None) -> Iterator[WorkQueue]:
    """Make the virtual host ``vhost`` with the durable queue ``name``; delete both afterwards.

    Raises PartFailedError where the broker does not report the policy of ``settings`` as it is.
    """
    settings = settings or QueueSettings()
    broker.api.create_vhost(vhost)
    try:
        if settings.policy:
            broker.api.put_policy(name, settings.policy, vhost=vhost)
        broker.api.declare_queue(name, vhost=vhost, kind=settings.kind)
        if settings.policy:
            wait_for(
                f"the policy of the queue {name} to be in force",
                lambda: broker.api.policy_in_force(name, vhost=vhost) == settings.policy,
                timeout_s=_POLICY_TIMEOUT_S,
            )
        yield WorkQueue(broker, vhost, name)
    finally:
        broker.api.delete_vhost(vhost)
