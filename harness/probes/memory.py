"""The worker's memory, 20 times a second by kind and once a second by process: the whole container's.

The cgroup says what is charged, and of which kind; ``/proc`` the resident set of each process in it. The kernel's own
high-water mark is read by the supervisor at the end of an incarnation; this series draws the curve between. ``make
bench`` measures what the sampling costs. Used by the trial and the benchmarks; it judges nothing.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.environment.oom_watch import command_of
from harness.probes.watching import watching
from harness.record import ProcessSample
from harness.store.memory_files import MemorySample, memory_writer, process_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.environment.supervisor import RunningIncarnation, Supervisor
    from harness.store import TrialFolder

INTERVAL_S = 0.05
PROCESSES_INTERVAL_S = 1.0
# Reading a process's share walks its page tables: 10 ms and more for one of 3 GB. It is left out until so many times
# its length have passed, so that it costs one part in a hundred.
_SHARE_PAUSE_FACTOR = 100
_PAGE_BYTES = 4096
_FILE_BYTES_MAX = 16_384  # of /proc: the longest that is read here, a status, has two kilobytes
_TICKS_PER_S = 100  # of a process's start time in /proc; USER_HZ, the same on every Linux


def resident_bytes(pid: int) -> tuple[int, int] | None:
    """Return (resident set, its high-water mark) of ``pid`` in bytes; None once its memory is gone."""
    found = _fields_bytes(f"/proc/{pid}/status", b"VmRSS:", b"VmHWM:")
    return None if found is None else (found[0], found[1])


@contextmanager
def sampling_memory(supervisor: Supervisor, folder: TrialFolder) -> Iterator[None]:
    """Sample whichever incarnation is running into ``memory.csv`` and ``processes.csv`` until left.

    At the end what the sampling cost is recorded. Raises RunDirectoryError on leaving where a sample could not be
    written.
    """
    with memory_writer(folder) as write_memory, process_writer(folder) as write_process:
        sampler = _Sampler(supervisor, folder, write_memory, write_process)
        with watching("memory-probe", sampler.look, interval_s=INTERVAL_S, at_end=sampler.record_cost):
            yield


class _Sampler:
    """What the probe's thread does, and what it has done so far."""

    def __init__(
        self,
        supervisor: Supervisor,
        folder: TrialFolder,
        write_memory: Callable[[MemorySample], None],
        write_process: Callable[[ProcessSample], None],
    ) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._write_memory = write_memory
        self._write_process = write_process
        self._samples = 0
        self._began_mono_s = time.monotonic()
        self._next_processes_mono_s = 0.0
        self._shares_due_mono_s: dict[int, float] = {}

    def look(self) -> None:
        """Take a sample of the incarnation that is running, if any."""
        incarnation = self._supervisor.current
        if incarnation is None:
            return
        pids = incarnation.memory_limit.processes() or (incarnation.pid,)
        self._sample(incarnation, pids)
        now_mono_s = time.monotonic()
        if now_mono_s >= self._next_processes_mono_s:
            self._next_processes_mono_s = now_mono_s + PROCESSES_INTERVAL_S
            for pid in pids:
                self._sample_process(incarnation, pid, now_mono_s)

    def record_cost(self) -> None:
        """Record how many samples were taken, and the share of one core that this thread used."""
        length_s = max(time.monotonic() - self._began_mono_s, INTERVAL_S)
        share = time.thread_time() / length_s
        self._folder.event("memory_probe_ended", samples=self._samples, cpu_share=round(share, 5))

    def _sample(self, incarnation: RunningIncarnation, pids: tuple[int, ...]) -> None:
        resident = {pid: found for pid in pids if (found := _resident_bytes(pid)) is not None}
        if not resident:
            return
        # The kernel's mark lags behind what is resident by some pages: the larger of the two is the mark.
        first, mark = resident.get(incarnation.pid, 0), (resident_bytes(incarnation.pid) or (0, 0))[1]
        incarnation.peak_rss_bytes = max(incarnation.peak_rss_bytes, first, mark)
        try:
            kinds = incarnation.memory_limit.by_kind()
        except OSError:  # the limit was closed between the two reads
            kinds = None
        columns = (kinds.charged, kinds.anonymous, kinds.file, kinds.inactive_file, kinds.kernel) if kinds else None
        self._write_memory(MemorySample(incarnation.index, sum(resident.values()), columns))
        self._samples += 1

    def _sample_process(self, incarnation: RunningIncarnation, pid: int, now_mono_s: float) -> None:
        found = _parent_and_start(pid)
        resident = _resident_bytes(pid)
        if found is None or resident is None:
            return
        parent, started_mono_s = found
        self._write_process(
            ProcessSample(
                t_s=now_mono_s,
                incarnation=incarnation.index,
                pid=pid,
                parent=parent,
                command=command_of(pid),
                started_s=started_mono_s,
                rss_bytes=resident,
                pss_bytes=self._share_bytes(pid, now_mono_s),
            )
        )

    def _share_bytes(self, pid: int, now_mono_s: float) -> int | None:
        if now_mono_s < self._shares_due_mono_s.get(pid, 0.0):
            return None
        found = _fields_bytes(f"/proc/{pid}/smaps_rollup", b"Pss:")
        self._shares_due_mono_s[pid] = now_mono_s + _SHARE_PAUSE_FACTOR * (time.monotonic() - now_mono_s)
        return found[0] if found else None


def _resident_bytes(pid: int) -> int | None:
    """Return the resident set alone, from the smallest file that has it."""
    found = _content(f"/proc/{pid}/statm")
    return int(found.split(maxsplit=2)[1]) * _PAGE_BYTES or None if found else None  # a zombie has none


def _content(path: str) -> bytes | None:
    """Return what a file of /proc holds; None where its process has ended, or is not ours to look into.

    By the descriptor: it is read hundreds of times a second, and that takes half the time of a file object.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, _FILE_BYTES_MAX)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _fields_bytes(path: str, *names: bytes) -> tuple[int, ...] | None:
    """Return the sizes of these names in a file of /proc, read once; None where one of them is not there."""
    if (text := _content(path)) is None:
        return None
    places = [text.find(b"\n" + name) for name in names]
    if min(places) < 0:
        return None
    return tuple(
        int(text[at + 1 + len(name) : text.index(b"kB", at)]) * 1024 for name, at in zip(names, places, strict=True)
    )


def _parent_and_start(pid: int) -> tuple[int, float] | None:
    """Return the parent and the start on the monotonic clock; None once the process is gone."""
    if (found := _content(f"/proc/{pid}/stat")) is None:
        return None
    # The command stands in parentheses and may hold anything; what follows the last one is plain.
    fields = found.rpartition(b")")[2].split()
    # Ticks count from boot, sleep included; the monotonic clock leaves a suspended machine's sleep out.
    asleep_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return int(fields[1]), int(fields[19]) / _TICKS_PER_S - asleep_s
