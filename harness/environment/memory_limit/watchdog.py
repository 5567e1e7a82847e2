"""A memory limit without the kernel's help: a thread samples resident sets and sends SIGKILL at the limit.

An emulation, and labelled so: for machines where no memory cgroup can be made. It proves nothing about the kernel's OOM
killer, so a verdict that needs a kernel kill is unknown. A page that processes share counts once for each of them.
"""

from __future__ import annotations

import threading

import psutil

from harness.environment.memory_limit.base import LimitReading, MemoryByKind
from harness.record import KillScope, Limit

_INTERVAL_S = 0.02  # at 300 MB/s a worker gets 6 MB past the limit between two looks
_LOOKS_AT_ONE_FAMILY = 25  # finding the children reads all of /proc: twice a second is enough, for a worker without any
_JOIN_TIMEOUT_S = 5.0  # a look takes milliseconds


class WatchdogLimit:
    """See ``harness.environment.memory_limit.base.MemoryLimit`` for the verbs."""

    def __init__(self, limit_bytes: int, kills: KillScope = KillScope.PROCESS) -> None:
        self.limit = Limit("watchdog", emulated=True, limit_bytes=limit_bytes, kills=kills, scope_emulated=True)
        self.prefix: tuple[str, ...] = ()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._peak_bytes = 0
        self._kills = 0
        self._pids: tuple[int, ...] = ()

    def watch(self, pid: int) -> None:
        """Begin to sample ``pid`` and its children."""
        self._thread = threading.Thread(target=self._sample, args=(pid,), name=f"watchdog-{pid}", daemon=True)
        self._thread.start()

    def by_kind(self) -> MemoryByKind | None:
        """None: without a cgroup nothing is charged."""
        return None

    def processes(self) -> tuple[int, ...]:
        """Return the pids of the watched process and its children."""
        return tuple(self._pids)

    def oom_kills(self) -> int:
        """Return 0: the kernel never kills here."""
        return 0

    def end_processes(self) -> None:
        """Nothing more to do: the process that is killed is the supervisor's, and its group goes with it."""

    def read(self) -> LimitReading:
        """Return what the samples saw. No kernel kill is ever counted here."""
        return LimitReading(
            usage_bytes=None,
            peak_bytes=None,
            oom_kills=0,
            watchdog_kills=self._kills,
            peak_rss_bytes=self._peak_bytes or None,
        )

    def close(self) -> None:
        """End the sampling. The process itself is its starter's to end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=_JOIN_TIMEOUT_S)

    def _sample(self, pid: int) -> None:
        family: list[psutil.Process] = []
        try:
            process = psutil.Process(pid)
            looks = 0
            while not self._stop.wait(_INTERVAL_S):
                if looks % _LOOKS_AT_ONE_FAMILY == 0:
                    family = process.children(recursive=True)
                    self._pids = (pid, *(child.pid for child in family))
                looks += 1
                resident_bytes = process.memory_info().rss + sum(map(_resident_bytes, family))
                self._peak_bytes = max(self._peak_bytes, resident_bytes)
                if resident_bytes >= self.limit.limit_bytes:
                    self._kills += 1
                    process.kill()  # checks that the pid is still this process's
                    return
        except psutil.NoSuchProcess:  # it ended: the supervisor sees how
            return


def _resident_bytes(child: psutil.Process) -> int:
    try:
        return int(child.memory_info().rss)
    except psutil.NoSuchProcess:  # one child's end is not the worker's
        return 0
