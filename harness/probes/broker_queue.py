"""The broker's queue, twice a second: ready, unacknowledged, redelivered, acknowledged; and each consumer's prefetch.

Asked of the management API on the node itself, past the proxy. Its counts lag by up to a second: it sends them once a
second. Used by the trial; it judges nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.errors import PartFailedError
from harness.probes.watching import watching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.environment.broker.work_queue import WorkQueue
    from harness.environment.supervisor import Supervisor
    from harness.store import TrialFolder
    from harness.store.writing import Series

INTERVAL_S = 0.5
# Ten seconds of refusals, more where the API hangs: then one event says so. The series has a gap either way.
_FAILURES_IN_A_ROW_MAX = 20
_REASON_CHARACTERS_MAX = 300


@contextmanager
def watching_queue(queue: WorkQueue, supervisor: Supervisor, folder: TrialFolder) -> Iterator[None]:
    """Write ``queue.csv`` and ``consumer_seen`` events until left.

    An API that does not answer is no error: it leaves a gap and, when it lasts, the event ``queue_probe_blind``. Raises
    RunDirectoryError on leaving where a sample could not be written.
    """
    with folder.series("queue", ("ready", "unacked", "redelivered", "acked")) as series:
        watch = _Watch(queue, supervisor, folder, series)
        with watching("queue-probe", watch.look, interval_s=INTERVAL_S):
            yield


class _Watch:
    """What the probe's thread does, and what it has seen so far."""

    def __init__(self, queue: WorkQueue, supervisor: Supervisor, folder: TrialFolder, series: Series) -> None:
        self._queue = queue
        self._supervisor = supervisor
        self._folder = folder
        self._series = series
        self._consumers_seen: set[tuple[str, str]] = set()
        self._failures = 0

    def look(self) -> None:
        """Take a sample; count a broker that does not answer."""
        try:
            self._sample()
            self._failures = 0
        except PartFailedError as error:
            self._failures += 1
            if self._failures == _FAILURES_IN_A_ROW_MAX:
                self._folder.event("queue_probe_blind", why=str(error)[:_REASON_CHARACTERS_MAX])

    def _sample(self) -> None:
        figures = self._queue.figures()
        self._series.add(figures.ready, figures.unacked, figures.redelivered, figures.acked)
        incarnation = self._supervisor.current
        for consumer in self._queue.consumers():
            # A worker may use the same tag in every incarnation; its connection has another port each time.
            name = (consumer.connection, consumer.tag)
            if name not in self._consumers_seen:
                self._consumers_seen.add(name)
                self._folder.event(
                    "consumer_seen",
                    prefetch_count=consumer.prefetch_count,
                    incarnation=incarnation.index if incarnation else None,
                )
