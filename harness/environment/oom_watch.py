"""Sees which process the kernel's OOM killer took inside a memory limit: the kernel's log, else the pid that vanished.

Used by the supervisor, which looks 50 times a second while a worker runs. The kernel's count says that a process was
killed, and not which; its log does, where it can be read and its pids are ours; else it is the process that left the
limit when the count rose. A kill that neither explains is reported without a pid.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from harness.environment.memory_limit import MemoryLimit

_KERNEL_LOG = "/dev/kmsg"
_KILLED = re.compile(rb"Memory cgroup out of memory: Killed process (\d+) ")
_RECORD_BYTES = 8192  # more than one record of the kernel's log has
_RECORDS_MAX = 10_000  # in one look: a log that grows faster is somebody's flood
_COMMAND_CHARACTERS_MAX = 200
_LOOKS_TO_VANISH = 150  # three seconds: a process of 3 GB takes a while to give its pages back


@dataclass(frozen=True, slots=True)
class SeenKill:
    """One process that the kernel killed; pid and command are None where nobody saw which."""

    pid: int | None
    command: str | None
    first_process: bool


class OomWatch:
    """A context manager over one incarnation. ``look`` returns the kills that have become known since the last one."""

    def __init__(self, limit: MemoryLimit, first_pid: int) -> None:
        self._limit = limit
        self._first_pid = first_pid
        self._commands: dict[int, str] = {first_pid: command_of(first_pid)}
        self._present: frozenset[int] = frozenset({first_pid})
        self._gone: list[int] = []  # left the limit, the latest last; not yet explained by a kill
        self._counted = 0
        self._unexplained: list[int] = []  # for each kill without a process: how many looks have passed
        self._log = _open_log()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._log is not None:
            os.close(self._log)
            self._log = None

    def look(self) -> tuple[SeenKill, ...]:
        """Look once. A limit that is gone meanwhile tells nothing more."""
        with suppress(OSError):
            self._note_processes()
            count = self._limit.oom_kills()
            self._unexplained += [0] * (count - self._counted)
            self._counted = count
        return self._explained(last=False) if self._unexplained else ()

    def last_look(self) -> tuple[SeenKill, ...]:
        """Look once more, when the first process has ended; what is not explained by now never will be."""
        return (*self.look(), *(self._explained(last=True) if self._unexplained else ()))

    def _note_processes(self) -> None:
        present = frozenset(self._limit.processes())
        for pid in present - self._commands.keys():
            self._commands[pid] = command_of(pid)
        self._gone += sorted(self._present - present)
        self._present = present
        if not self._unexplained:
            self._gone = self._gone[-1:]  # one that left just before the count was seen to rise may be the one

    def _explained(self, *, last: bool) -> tuple[SeenKill, ...]:
        """Return the kills whose process is known now; the last time, all that are left."""
        found = [self._seen(pid) for pid in self._logged()]
        del self._unexplained[: len(found)]
        while self._unexplained and self._gone:
            found.append(self._seen(self._gone.pop()))
            del self._unexplained[0]
        waiting = [looks + 1 for looks in self._unexplained]
        self._unexplained = [looks for looks in waiting if looks < _LOOKS_TO_VANISH and not last]
        found += [SeenKill(None, None, first_process=False)] * (len(waiting) - len(self._unexplained))
        if not self._unexplained:
            self._gone = []
        return tuple(found)

    def _logged(self) -> list[int]:
        """Return the pids of this limit that the kernel's log names as killed since the last time."""
        pids = [pid for pid in _killed_by_log(self._log) if pid in self._commands][: len(self._unexplained)]
        self._gone = [pid for pid in self._gone if pid not in pids]
        return pids

    def _seen(self, pid: int) -> SeenKill:
        return SeenKill(pid, self._commands.get(pid), first_process=pid == self._first_pid)


def command_of(pid: int) -> str:
    """Return the command line of a process, for people; empty once it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ProcessLookupError):
        return ""
    return b" ".join(word for word in words if word).decode(errors="replace")[:_COMMAND_CHARACTERS_MAX]


def _open_log() -> int | None:
    """Open the kernel's log at its end; None where it can't be read."""
    try:
        log = os.open(_KERNEL_LOG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        os.lseek(log, 0, os.SEEK_END)
    except OSError:
        os.close(log)
        return None
    return log


def _killed_by_log(log: int | None) -> list[int]:
    pids: list[int] = []
    for _ in range(_RECORDS_MAX if log is not None else 0):
        try:
            record = os.read(log or 0, _RECORD_BYTES)
        except BrokenPipeError:  # records were overwritten before they were read; the next read goes on after them
            continue
        except OSError:  # nothing more
            break
        if (killed := _KILLED.search(record)) is not None:
            pids.append(int(killed[1]))
    return pids
