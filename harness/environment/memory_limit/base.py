"""What a memory_limit is: a memory limit around one incarnation of the worker, and the counts of what happened inside.

Implemented by ``cgroup`` (a real kernel limit, of either version) and ``watchdog`` (an emulation, and labelled so);
used by the supervisor, the memory probe and the canary. A memory_limit starts nothing: it says how a process gets in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.record import Limit


@dataclass(frozen=True, slots=True)
class LimitReading:
    """The counters of one memory_limit. None where this kind of memory_limit has no such count."""

    usage_bytes: int | None
    peak_bytes: int | None  # the kernel's high-water mark: it can't be missed between samples
    oom_kills: int  # how often the kernel killed something in here for memory
    watchdog_kills: int = 0  # how often the emulation did
    peak_rss_bytes: int | None = None  # the highest resident set that the emulation saw


class MemoryLimit(Protocol):
    """A memory limit that a process is started into; closed, its processes are dead and nothing remains."""

    @property
    def limit(self) -> Limit:
        """How the limit is enforced, and where it lies."""
        ...

    @property
    def prefix(self) -> tuple[str, ...]:
        """The argv to put before a command so that it starts inside, with the pid it was started with."""
        ...

    def watch(self, pid: int) -> None:
        """Tell the memory_limit which process entered. Only the watchdog needs it."""
        ...

    def usage_bytes(self) -> int | None:
        """Return the bytes charged now; None where this kind of memory_limit has no such count.

        Cheap: the sampler asks 20 times a second. Raises OSError once the memory_limit is closed.
        """
        ...

    def read(self) -> LimitReading:
        """Return the counters. To be read before the memory_limit is closed: they go with it."""
        ...

    def close(self) -> None:
        """Kill what is still inside and remove the memory_limit. May be called twice.

        Raises WaitTimeoutError where the kernel does not let a member go.
        """
        ...
