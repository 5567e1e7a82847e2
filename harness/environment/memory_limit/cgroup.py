"""A memory cgroup as a memory_limit: what versions 1 and 2 share. The kernel enforces the limit and counts its kills.

The folder is named ``harness-<run id>-<name>``: a later start finds by that name what a killed harness left behind.
Needs write access to the hierarchy: root, or a delegated subtree.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.environment.memory_limit.base import LimitReading
from harness.environment.waiting import wait_for
from harness.errors import NotEnforceableError
from harness.record import Limit

if TYPE_CHECKING:
    from pathlib import Path

_EMPTY_TIMEOUT_S = 10.0  # a killed 3 GB process gives its pages back within a second or two


@dataclass(frozen=True, slots=True)
class CgroupFiles:
    """The names of one cgroup version's files."""

    kind: str
    limits: tuple[str, ...]  # written in this order; those after the first only where they exist
    zeroed: tuple[str, ...]  # limits of swap set to 0: swap would hide an OOM
    usage: str
    peak: str
    events: str


V1 = CgroupFiles(
    kind="cgroup v1",
    limits=("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    zeroed=("memory.swappiness",),
    usage="memory.usage_in_bytes",
    peak="memory.max_usage_in_bytes",
    events="memory.oom_control",
)
V2 = CgroupFiles(
    kind="cgroup v2",
    limits=("memory.max",),
    zeroed=("memory.swap.max",),
    usage="memory.current",
    peak="memory.peak",  # since Linux 5.19
    events="memory.events",
)


class CgroupLimit:
    """One memory cgroup. See ``harness.environment.memory_limit.base.MemoryLimit`` for the verbs."""

    def __init__(self, folder: Path, limit_bytes: int, files: CgroupFiles) -> None:
        self._folder = folder
        self._files = files
        self._sampled_peak_bytes = 0
        self.limit = Limit(kind=files.kind, emulated=False, limit_bytes=limit_bytes)
        try:
            folder.mkdir()
        except OSError as error:  # it may be there already, and somebody else's: nothing in it is ours to kill
            raise _refusal(f"the memory cgroup {folder} can't be made", error) from error
        try:
            for position, name in enumerate(files.limits):
                if position == 0 or (folder / name).exists():
                    (folder / name).write_text(str(limit_bytes))
            for name in files.zeroed:
                if (folder / name).exists():
                    (folder / name).write_text("0")
        except OSError as error:
            self.close()
            raise _refusal(f"no memory limit could be set in {folder}", error) from error

    @property
    def prefix(self) -> tuple[str, ...]:
        """A shell that puts itself into the cgroup and then becomes the command, under the same pid."""
        return ("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._folder / "cgroup.procs"))

    def watch(self, pid: int) -> None:
        """Nothing to do: the kernel watches."""

    def usage_bytes(self) -> int | None:
        """Return the bytes charged to the cgroup now."""
        usage = int((self._folder / self._files.usage).read_text())
        self._sampled_peak_bytes = max(self._sampled_peak_bytes, usage)
        return usage

    def read(self) -> LimitReading:
        """Return usage, high-water mark and kill count."""
        usage = self.usage_bytes()
        peak_file = self._folder / self._files.peak
        # Before Linux 5.19 version 2 keeps no mark: the highest of our own samples is the best there is.
        peak = int(peak_file.read_text()) if peak_file.exists() else self._sampled_peak_bytes
        counts = dict(line.split() for line in (self._folder / self._files.events).read_text().splitlines())
        return LimitReading(usage_bytes=usage, peak_bytes=peak, oom_kills=int(counts.get("oom_kill", 0)))

    def close(self) -> None:
        """Kill the members and remove the folder."""
        if not self._folder.exists():
            return

        def emptied() -> bool:
            members = self._members()
            for pid in members:
                _kill(pid)
            return not members

        wait_for(f"the cgroup {self._folder.name} is empty", emptied, timeout_s=_EMPTY_TIMEOUT_S)
        wait_for(f"the cgroup {self._folder.name} is removed", self._removed, timeout_s=_EMPTY_TIMEOUT_S)

    def _members(self) -> list[int]:
        try:
            pids = [int(pid) for pid in (self._folder / "cgroup.procs").read_text().split()]
        except OSError:  # it was removed meanwhile
            return []
        return [pid for pid in pids if pid > 0]  # a process of another pid namespace is listed as 0: to kill(), us

    def _removed(self) -> bool:
        try:
            self._folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:  # a member is still giving its pages back
            return False
        return True


def _refusal(what: str, error: OSError) -> NotEnforceableError:
    return NotEnforceableError(f"{what} ({error.strerror}); run as root, or let the watchdog emulate it")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
