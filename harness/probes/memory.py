"""The worker's memory, sampled 20 times a second: resident set, its high-water mark, and what the cgroup is charged.

Reads ``/proc/<pid>/status`` and one cgroup file a sample: a few hundred microseconds of one core a second, which ``make
bench`` measures. The kernel's own high-water marks are read by the supervisor at the end of an incarnation; this
series draws the curve between. Used by the trial and the benchmarks; it judges nothing.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.probes.watching import watching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.environment.supervisor import RunningIncarnation, Supervisor
    from harness.store import TrialFolder
    from harness.store.writing import Series

INTERVAL_S = 0.05


def resident_bytes(pid: int) -> tuple[int, int] | None:
    """Return (resident set, its high-water mark) of ``pid`` in bytes; None once its memory is gone."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123 - asked 20 times a second: the cheapest way
            status = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    mark, resident = _field_bytes(status, b"\nVmHWM:"), _field_bytes(status, b"\nVmRSS:")
    return None if mark is None or resident is None else (resident, mark)


def _field_bytes(status: bytes, name: bytes) -> int | None:
    at = status.find(name)
    return None if at < 0 else int(status[at + len(name) : status.index(b"kB", at)]) * 1024


@contextmanager
def sampling_memory(supervisor: Supervisor, folder: TrialFolder) -> Iterator[None]:
    """Sample whichever incarnation is going on into ``memory.csv`` until left.

    At the end record what the sampling cost.

    Raises RunDirectoryError on leaving where a sample could not be written.
    """
    with folder.series("memory", ("incarnation", "rss_bytes", "cgroup_bytes")) as series:
        sampler = _Sampler(supervisor, folder, series)
        with watching("memory-probe", sampler.look, interval_s=INTERVAL_S, at_end=sampler.tell_cost):
            yield


class _Sampler:
    """What the probe's thread does, and what it has done so far."""

    def __init__(self, supervisor: Supervisor, folder: TrialFolder, series: Series) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._series = series
        self._samples = 0
        self._began_mono_s = time.monotonic()

    def look(self) -> None:
        """Take a sample of the incarnation that is going on, if any."""
        incarnation = self._supervisor.current
        if incarnation is not None:
            self._sample(incarnation)

    def tell_cost(self) -> None:
        """Record how many samples were taken, and the share of one core that this thread used."""
        length_s = max(time.monotonic() - self._began_mono_s, INTERVAL_S)
        share = time.thread_time() / length_s
        self._folder.event("memory_probe_ended", samples=self._samples, cpu_share=round(share, 5))

    def _sample(self, incarnation: RunningIncarnation) -> None:
        found = resident_bytes(incarnation.pid)
        if found is None:
            return
        resident, mark = found
        try:
            charged = incarnation.memory_limit.usage_bytes()
        except OSError:  # the memory_limit went between the two reads
            charged = None
        incarnation.peak_rss_bytes = max(incarnation.peak_rss_bytes, mark)
        self._series.add(incarnation.index, resident, charged)
        self._samples += 1
