"""What is on record of the worker: its incarnations, what the kernel killed in them, its processes and its memory.

Part of ``harness.record``, whose conventions of time and size hold here. Memory is the container's, of all processes
together; nothing in this module judges it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class EndedBy(StrEnum):
    """Who ended an incarnation's first process."""

    ITSELF = "itself"
    KERNEL = "kernel"  # the OOM killer
    WATCHDOG = "watchdog"  # the emulated limit
    SUPERVISOR = "supervisor"  # the whole container, after the kernel had killed another process in it
    HARNESS = "harness"  # the trial was over
    FAULT = "a fault"  # of the scenario
    UNKNOWN_SIGKILL = "an unknown SIGKILL"
    UNKNOWN = "unknown"  # nobody saw the end


class KillScope(StrEnum):
    """What is killed where the memory limit is hit: Kubernetes has had both semantics."""

    PROCESS = "process"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class Limit:
    """How the memory limit was enforced."""

    kind: str  # "cgroup v1" | "cgroup v2" | "docker" | "watchdog"
    emulated: bool
    limit_bytes: int
    kills: KillScope = KillScope.PROCESS
    scope_emulated: bool = False  # the supervisor ended the rest of a container, not the kernel


@dataclass(frozen=True, slots=True)
class OomKill:
    """One process that the OOM killer took inside the worker's memory limit.

    ``pid`` and ``command`` are None where the kernel's count rose and nobody saw which process had gone.
    """

    t_s: float  # when the count was first seen risen
    pid: int | None
    command: str | None
    first_process: bool  # it was the one that the supervisor had started


@dataclass(frozen=True, slots=True)
class Incarnation:
    """The worker from one start to its end, as the kernel saw it.

    ``exit_status`` is the first process's, as a shell shows it: 0–255, 128 + signal for a death by signal; None while
    it lived on at the end of the trial's record.
    """

    index: int  # 0 is the first start, 1 the first restart
    pid: int
    started_s: float
    ended_s: float | None
    exit_status: int | None
    oom_kill_delta: int  # how far the cgroup's oom_kill counter went up; 0 where the limit is emulated
    peak_cgroup_bytes: int | None  # the kernel's high-water mark, file pages included; None where there is no cgroup
    peak_rss_bytes: int | None  # the first process's VmHWM, or the sampler's maximum, whichever is larger
    ended_by: EndedBy
    kills: tuple[OomKill, ...] = ()  # one for each rise of the counter
    terminated_s: float | None = None  # when it was asked to end, by a fault or the harness; None: it never was

    @property
    def peak_bytes(self) -> int:
        """The highest mark known: the cgroup's, else the resident set's; 0 when neither was read."""
        return self.peak_cgroup_bytes or self.peak_rss_bytes or 0


@dataclass(frozen=True, slots=True)
class MemorySeries:
    """Memory of all the worker's processes together, sampled: arrays of one length, one element a sample.

    Gaps (no worker alive) have no samples. Without a cgroup (the emulated limit) every kind but ``rss_bytes`` is NaN.
    Anonymous, file and kernel memory are what the cgroup is charged with; the working set is Kubernetes' figure, what
    is charged less the file pages that the kernel drops first.
    """

    t_s: NDArray[np.float64]
    incarnation: NDArray[np.int64]  # index of the Incarnation sampled
    rss_bytes: NDArray[np.float64]  # resident sets of all processes; a page they share counts for each of them
    cgroup_bytes: NDArray[np.float64]  # all that is charged
    anonymous_bytes: NDArray[np.float64]
    file_bytes: NDArray[np.float64]  # page cache, shared memory not counted
    inactive_file_bytes: NDArray[np.float64]  # the part of it that the kernel drops first
    kernel_bytes: NDArray[np.float64]

    @property
    def working_set_bytes(self) -> NDArray[np.float64]:
        """What is charged less the inactive file pages, as Kubernetes computes it; NaN where there is no cgroup."""
        return np.maximum(self.cgroup_bytes - self.inactive_file_bytes, 0.0)

    @property
    def own_bytes(self) -> NDArray[np.float64]:
        """The worker's memory: the working set, where a cgroup measured it, else the resident sets."""
        working_set = self.working_set_bytes
        return np.where(np.isnan(working_set), self.rss_bytes, working_set)

    @staticmethod
    def of(
        t_s: NDArray[np.float64],
        incarnation: NDArray[np.int64],
        rss_bytes: NDArray[np.float64],
        cgroup_bytes: NDArray[np.float64] | None = None,
        **kinds: NDArray[np.float64],
    ) -> MemorySeries:
        """Return a series; a kind that is left out was not measured."""
        nothing = np.full(t_s.size, np.nan)
        names = ("anonymous_bytes", "file_bytes", "inactive_file_bytes", "kernel_bytes")
        measured = {name: kinds.get(name, nothing) for name in names}
        return MemorySeries(t_s, incarnation, rss_bytes, nothing if cgroup_bytes is None else cgroup_bytes, **measured)

    @staticmethod
    def empty() -> MemorySeries:
        """No sample at all."""
        none = np.empty(0, dtype=np.float64)
        return MemorySeries.of(none, np.empty(0, dtype=np.int64), none, none)


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """One process of the worker's tree, once a second. ``pss_bytes`` is its share: a page of two counts half."""

    t_s: float
    incarnation: int
    pid: int
    parent: int
    command: str
    started_s: float
    rss_bytes: int
    pss_bytes: int | None  # None: not read; reading it walks the page tables, and is left out where that takes long


@dataclass(frozen=True, slots=True)
class WorkerGauge:
    """What the worker says of itself, where it does (WORKER_STATS_FILE)."""

    t_s: float
    executor_queue: int  # messages waiting in the worker's own queue
    in_flight: int  # messages being processed by a thread
    acked: int
    nacked_requeue: int
    nacked_dropped: int


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, as the worker wrote it to ALERTS_FILE."""

    alert_type: str
    level: str
    action: str  # what the worker did about it
    t_s: float | None = None  # None: the trial's start in UTC is not known
    message_id: str | None = None
    message: str = ""
    error_code: str | None = None
    context: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)  # all that it says beside
