"""What a memory limit is: a bound around one incarnation of the worker, and the counts of what happened inside.

Implemented by ``cgroup`` (a real kernel limit, of either version) and ``watchdog`` (an emulation, and labelled so);
used by the supervisor, the memory probe and the canary. A limit starts nothing: it says how a process gets in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.record import Limit


@dataclass(frozen=True, slots=True)
class MemoryByKind:
    """What a cgroup is charged with at one moment, in bytes.

    ``anonymous`` has shared memory in it, which the kernel can't drop without swap; ``file`` is the rest of the page
    cache, of which ``inactive_file`` is what the kernel drops first. The working set of Kubernetes is
    ``charged - inactive_file``.
    """

    charged: int
    anonymous: int
    file: int
    inactive_file: int
    kernel: int


@dataclass(frozen=True, slots=True)
class LimitReading:
    """The counters of one memory limit. None where this kind of limit has no such count."""

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
        """Say which process entered first. Only the watchdog needs it."""
        ...

    def by_kind(self) -> MemoryByKind | None:
        """Return what is charged now, by kind; None where this kind of limit has no such count.

        Cheap: the sampler calls it 20 times a second. Raises OSError once the limit is closed.
        """
        ...

    def processes(self) -> tuple[int, ...]:
        """Return the pids of the processes inside; empty once the limit is closed."""
        ...

    def oom_kills(self) -> int:
        """Return how often the kernel has killed a process in here. Cheap. Raises OSError once the limit is closed."""
        ...

    def read(self) -> LimitReading:
        """Return the counters. To be read before the limit is closed: they go with it."""
        ...

    def end_processes(self) -> None:
        """SIGKILL every process inside, as the kernel does where it kills a whole container."""
        ...

    def close(self) -> None:
        """Kill what is still inside and remove the limit. May be called twice.

        Raises WaitTimeoutError where the kernel does not let a member go.
        """
        ...
