"""Says when a trial has settled.

When the publishers are done, the queue is empty, nothing is unacknowledged and the dependency has no call open. Asked
repeatedly: the broker's counts lag by a second, so only two empty looks more than a second apart count.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.errors import PartFailedError

if TYPE_CHECKING:
    from harness.environment.broker.protocol import WorkQueue
    from harness.environment.supervisor import Supervisor
    from harness.load.driver import Load
    from harness.protocols.dependency import Dependency

_APART_S = 1.5  # the broker emits its counts once a second
_LOOK_INTERVAL_S = 0.25


class DrainWatch:
    """Remembers how long everything has looked empty, and what was still open when it did not."""

    def __init__(self, load: Load, queue: WorkQueue, dependency: Dependency, supervisor: Supervisor) -> None:
        self._load = load
        self._queue = queue
        self._dependency = dependency
        self._supervisor = supervisor
        self._empty_since_mono_s: float | None = None
        self._next_look_mono_s = 0.0
        self.last_seen = "nothing was looked at"

    def settled(self) -> bool:
        """Look, at most four times a second, and return whether everything has been empty for long enough."""
        now_mono_s = time.monotonic()
        if now_mono_s >= self._next_look_mono_s:
            self._next_look_mono_s = now_mono_s + _LOOK_INTERVAL_S
            if self._looks_empty():
                self._empty_since_mono_s = self._empty_since_mono_s or now_mono_s
            else:
                self._empty_since_mono_s = None
        return self._empty_since_mono_s is not None and now_mono_s - self._empty_since_mono_s >= _APART_S

    def over(self) -> bool:
        """Return whether waiting can end: everything has settled, or no worker is left that could drain anything."""
        return self.settled() or self.hopeless() is not None

    def hopeless(self) -> str | None:
        """Return why waiting is in vain: no worker is left to drain anything, or the publishers broke off."""
        return self._supervisor.gave_up or self._load.death()

    def status(self) -> str:
        """One line about worker and queue, for people."""
        incarnation = self._supervisor.current
        worker = (
            "no worker alive"
            if incarnation is None
            else f"worker {incarnation.index} at {incarnation.peak_rss_bytes / 2**20:.0f} MiB peak"
        )
        try:
            return f"{worker}, {self._queue.counts().text}"
        except PartFailedError:
            return f"{worker}, broker silent"

    def _looks_empty(self) -> bool:
        if not self._load.finished:
            self.last_seen = "the publishers were still at work"
            return False
        try:
            counts = self._queue.counts()
        except PartFailedError as error:
            self.last_seen = f"the broker did not answer: {error}"
            return False
        open_calls = int(self._dependency.stats()["open"])
        self.last_seen = f"{counts.text}, {open_calls} calls open"
        return counts.settled and open_calls == 0
