"""The worker's own metrics: counts since the process started, written as JSON lines.

The consumer counts; a thread of its own writes, so that a worker whose other threads all hang still writes them. The
keys are the contract's.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from worker_under_test.live_objects import LiveObjects
from worker_under_test.message_handling import MessageHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker_under_test.outcomes import Delivery

logger = structlog.get_logger()

_KEYS = (
    "executor_queue",
    "in_flight",
    "delivered",
    "acked",
    "nacked_requeue",
    "nacked_dropped",
    "processed",
    "failed",
    "timeouts",
)


class WorkerStats(MessageHook):
    """Counters that any thread may change, and the register of what is alive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter(dict.fromkeys(_KEYS, 0))
        self.live = LiveObjects()

    def add(self, key: str, amount: int = 1) -> None:
        """Change one count."""
        with self._lock:
            self._counts[key] += amount

    def before_message(self, delivery: Delivery) -> None:  # noqa: ARG002 - the hook's signature
        """Count one message out of the executor's queue and into a thread."""
        with self._lock:
            self._counts["executor_queue"] -= 1
            self._counts["in_flight"] += 1

    def after_message(self, delivery: Delivery) -> None:  # noqa: ARG002 - the hook's signature
        """Count the message out of its thread."""
        self.add("in_flight", -1)

    @property
    def waiting(self) -> int:
        """How many messages wait in the executor's queue."""
        return self._counts["executor_queue"]

    @property
    def unfinished(self) -> int:
        """How many messages wait or are being processed."""
        with self._lock:
            return self._counts["executor_queue"] + self._counts["in_flight"]

    def counts(self) -> dict[str, int]:
        """Return the counts, as of one moment."""
        with self._lock:
            return {key: self._counts[key] for key in _KEYS}

    def line(self) -> str:
        """Return the counts as one JSON line."""
        return json.dumps({"mono_s": round(time.monotonic(), 3), **self.counts()})


@contextmanager
def stats_written(stats: WorkerStats, stats_file: str | None, interval_s: float) -> Iterator[None]:
    """Write ``stats`` to ``stats_file`` every ``interval_s`` seconds while the block runs, and once at its end.

    Without a file, do nothing.
    """
    if stats_file is None:
        yield
        return
    stop = threading.Event()
    writer = threading.Thread(
        target=_write, args=(stats, Path(stats_file), interval_s, stop), name="stats", daemon=True
    )
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join(timeout=5)


def _write(stats: WorkerStats, path: Path, interval_s: float, stop: threading.Event) -> None:
    try:
        with path.open("a", encoding="utf-8") as sink:
            while True:
                stopping = stop.wait(interval_s)
                sink.write(stats.line() + "\n")
                sink.flush()
                if stopping:
                    return
    except OSError as error:
        logger.warning("stats_not_written", path=str(path), error=repr(error))
