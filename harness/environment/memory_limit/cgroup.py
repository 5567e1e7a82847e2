"""A memory cgroup as a memory limit: what versions 1 and 2 share. The kernel enforces the limit and counts its kills.

The folder is named ``harness-<run id>-<name>``: a later start finds by that name what a killed harness left behind.
Needs write access to the hierarchy: root, or a delegated subtree.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.environment.memory_limit.base import LimitReading, MemoryByKind
from harness.errors import NotEnforceableError
from harness.record import KillScope, Limit
from harness.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

_FILE_BYTES_MAX = 65_536  # memory.stat has two kilobytes; ten thousand pids would fit
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
    anonymous: tuple[str, ...]  # names in memory.stat whose sum is anonymous and shared memory
    cache: str  # in memory.stat: the page cache, shared memory included
    shared: str
    inactive_file: str
    group: str  # the file that has the kernel kill every process of the group; "" where there is none


V1 = CgroupFiles(
    kind="cgroup v1",
    limits=("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    zeroed=("memory.swappiness",),
    usage="memory.usage_in_bytes",
    peak="memory.max_usage_in_bytes",
    events="memory.oom_control",
    anonymous=("total_rss", "total_shmem"),
    cache="total_cache",
    shared="total_shmem",
    inactive_file="total_inactive_file",
    group="",
)
V2 = CgroupFiles(
    kind="cgroup v2",
    limits=("memory.max",),
    zeroed=("memory.swap.max",),
    usage="memory.current",
    peak="memory.peak",  # since Linux 5.19
    events="memory.events",
    anonymous=("anon", "shmem"),
    cache="file",
    shared="shmem",
    inactive_file="inactive_file",
    group="memory.oom.group",  # since Linux 4.19
)


class CgroupLimit:
    """One memory cgroup. See ``harness.environment.memory_limit.base.MemoryLimit`` for the verbs."""

    def __init__(
        self, folder: Path, limit_bytes: int, files: CgroupFiles, kills: KillScope = KillScope.PROCESS
    ) -> None:
        self._folder = folder
        self._files = files
        self._sampled_peak_bytes = 0
        self._kept = _KeptOpen(folder)
        self.limit = Limit(kind=files.kind, emulated=False, limit_bytes=limit_bytes, kills=kills)
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
            grouped = kills is KillScope.CONTAINER and bool(files.group) and (folder / files.group).exists()
            if grouped:
                (folder / files.group).write_text("1")
        except OSError as error:
            self.close()
            raise _refusal(f"no memory limit could be set in {folder}", error) from error
        self.limit = replace(self.limit, scope_emulated=kills is KillScope.CONTAINER and not grouped)

    @property
    def prefix(self) -> tuple[str, ...]:
        """A shell that puts itself into the cgroup and then becomes the command, under the same pid."""
        return ("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._folder / "cgroup.procs"))

    def watch(self, pid: int) -> None:
        """Nothing to do: the kernel watches."""

    def by_kind(self) -> MemoryByKind | None:
        """Return what the cgroup is charged with now, by kind: two files are read."""
        charged, stat = self._charged_bytes(), b"\n" + self._kept.read("memory.stat")
        anonymous = sum(_value(stat, name) for name in self._files.anonymous)
        file = max(0, _value(stat, self._files.cache) - _value(stat, self._files.shared))
        # The two files are read one after the other, and the kernel's counts lag: what is left is never below nothing.
        return MemoryByKind(
            charged=charged,
            anonymous=anonymous,
            file=file,
            inactive_file=min(_value(stat, self._files.inactive_file), charged),
            kernel=max(0, charged - anonymous - file),
        )

    def processes(self) -> tuple[int, ...]:
        """Return the pids of the members."""
        return tuple(self._members())

    def oom_kills(self) -> int:
        """Return the kernel's count of processes that it killed here for memory."""
        return _value(b"\n" + self._kept.read(self._files.events), "oom_kill")

    def read(self) -> LimitReading:
        """Return usage, high-water mark and kill count."""
        usage = self._charged_bytes()
        peak_file = self._folder / self._files.peak
        # Before Linux 5.19 version 2 keeps no mark: the highest of our own samples is the best there is.
        peak = int(peak_file.read_text()) if peak_file.exists() else self._sampled_peak_bytes
        return LimitReading(usage_bytes=usage, peak_bytes=peak, oom_kills=self.oom_kills())

    def end_processes(self) -> None:
        """SIGKILL every member."""
        for pid in self._members():
            _kill(pid)

    def _charged_bytes(self) -> int:
        usage = int(self._kept.read(self._files.usage))
        self._sampled_peak_bytes = max(self._sampled_peak_bytes, usage)
        return usage

    def close(self) -> None:
        """Kill the members and remove the folder."""
        if not self._folder.exists():
            self._kept.close()
            return

        def emptied() -> bool:
            members = self._members()
            for pid in members:
                _kill(pid)
            return not members

        wait_for(f"the cgroup {self._folder.name} is empty", emptied, timeout_s=_EMPTY_TIMEOUT_S)
        self._kept.close()
        wait_for(f"the cgroup {self._folder.name} is removed", self._removed, timeout_s=_EMPTY_TIMEOUT_S)

    def _members(self) -> list[int]:
        try:
            pids = [int(pid) for pid in _members_file(self._folder).split()]
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


class _KeptOpen:
    """Reads the files of one folder again and again: kept open, a read is one system call instead of three.

    Used by several threads. After ``close`` every read is an OSError, as of a folder that is gone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptors: dict[str, int] = {}
        self._closed = False
        self._lock = threading.Lock()

    def read(self, name: str) -> bytes:
        """Return what the file holds now."""
        with self._lock:
            if self._closed:
                raise FileNotFoundError(errno.ENOENT, "No such file: its cgroup was removed", str(self._folder / name))
            if name not in self._descriptors:
                self._descriptors[name] = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._descriptors[name], _FILE_BYTES_MAX, 0)

    def close(self) -> None:
        """Close every file."""
        with self._lock:
            self._closed = True
            for descriptor in self._descriptors.values():
                os.close(descriptor)
            self._descriptors = {}


def _members_file(folder: Path) -> bytes:
    """Return cgroup.procs. It is opened anew each time: version 1 gives an open file the list that it once made."""
    descriptor = os.open(folder / "cgroup.procs", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _FILE_BYTES_MAX)
    finally:
        os.close(descriptor)


def _value(lines: bytes, name: str) -> int:
    """Return the number behind ``name`` in lines of "name number", each after a line end; 0 where there is none."""
    at = lines.find(b"\n" + name.encode() + b" ")
    return 0 if at < 0 else int(lines[at + len(name) + 2 :].split(b"\n", 1)[0])


def _refusal(what: str, error: OSError) -> NotEnforceableError:
    return NotEnforceableError(f"{what} ({error.strerror}); run as root, or let the watchdog emulate it")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
