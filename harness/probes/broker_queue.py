"""The broker's view, twice a second: every queue of the trial, and what each channel that consumes may hold.

Asked of the management API on the node itself, past the proxy. Its counts lag by up to a second: it sends them once a
second. A channel is recorded again whenever its consumers or its prefetch change. Used by the trial; it judges nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.errors import PartFailedError
from harness.probes.watching import watching
from harness.store.queue_files import queue_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.environment.broker.management_api import Consumer
    from harness.environment.broker.work_queue import WorkQueue
    from harness.environment.supervisor import Supervisor
    from harness.record import Scalar
    from harness.store import TrialFolder

INTERVAL_S = 0.5
# Ten seconds of refusals, more where the API hangs: then one event says so. The series has a gap either way.
_FAILURES_IN_A_ROW_MAX = 20
_REASON_CHARACTERS_MAX = 300


@contextmanager
def watching_queue(queue: WorkQueue, supervisor: Supervisor, folder: TrialFolder) -> Iterator[None]:
    """Write ``queue.csv``, and the events ``channel_seen`` and ``connection_seen``, until left.

    An API that does not answer is no error: it leaves a gap and, when it lasts, the event ``queue_probe_blind``. Raises
    RunDirectoryError on leaving where a sample could not be written.
    """
    with queue_writer(folder) as write:
        watch = _Watch(queue, supervisor, folder, write)
        with watching("queue-probe", watch.look, interval_s=INTERVAL_S):
            yield


class _Watch:
    """What the probe's thread does, and what it has seen so far."""

    def __init__(
        self, queue: WorkQueue, supervisor: Supervisor, folder: TrialFolder, write: Callable[..., None]
    ) -> None:
        self._queue = queue
        self._supervisor = supervisor
        self._folder = folder
        self._write = write
        self._channels: dict[str, dict[str, Scalar]] = {}
        self._connections: set[str] = set()
        self._failures = 0

    def look(self) -> None:
        """Take a sample; count a broker that does not answer."""
        try:
            self._sample()
            self._look_at_consumers()
            self._failures = 0
        except PartFailedError as error:
            self._failures += 1
            if self._failures == _FAILURES_IN_A_ROW_MAX:
                self._folder.event("queue_probe_blind", why=str(error)[:_REASON_CHARACTERS_MAX])

    def _sample(self) -> None:
        counts = self._queue.counts()
        self._write(
            ready=counts.work.ready,
            unacked=counts.work.unacked,
            redelivered=counts.work.redelivered,
            acked=counts.work.acked,
            delivered=counts.work.delivered,
            waiting_elsewhere=counts.waiting_elsewhere,
        )

    def _look_at_consumers(self) -> None:
        by_channel: dict[str, list[Consumer]] = {}
        for consumer in self._queue.consumers():
            # A worker may use the same tag in every incarnation; its connection has another port each time.
            by_channel.setdefault(consumer.channel or consumer.connection, []).append(consumer)
        if not by_channel:
            return
        api, vhost = self._queue.broker.api, self._queue.vhost
        of_channel = {channel.name: channel.prefetch_of_channel for channel in api.channels(vhost=vhost)}
        for name, consumers in by_channel.items():
            seen = _held_by(consumers) | {"prefetch_of_channel": of_channel.get(name, 0)}
            if self._channels.get(name) != seen:
                self._channels[name] = seen
                self._folder.event("channel_seen", incarnation=self._incarnation(), channel=name, **seen)
        if new := {consumer.connection for each in by_channel.values() for consumer in each} - self._connections:
            self._note_connections(new, api.heartbeats_s(vhost=vhost))

    def _note_connections(self, new: set[str], heartbeats_s: dict[str, float]) -> None:
        for name in sorted(new & heartbeats_s.keys()):
            self._connections.add(name)
            self._folder.event(
                "connection_seen", incarnation=self._incarnation(), name=name, heartbeat_s=heartbeats_s[name]
            )

    def _incarnation(self) -> int | None:
        incarnation = self._supervisor.current
        return incarnation.index if incarnation else None


def _held_by(consumers: Sequence[Consumer]) -> dict[str, Scalar]:
    """Return what the consumers of one channel may hold: without a bound where one of them has none."""
    prefetch = [consumer.prefetch_count for consumer in consumers]
    return {
        "consumers": len(consumers),
        "prefetch_per_consumer": max(prefetch) if all(prefetch) else 0,
        "auto_ack": any(not consumer.ack_required for consumer in consumers),
    }
