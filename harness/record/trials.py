"""What one trial leaves behind: events, incarnations, series, journals, rows.

Times are replay time, sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.record.heap import HeapSummary

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a trial, as ``events.jsonl`` holds it."""

    t_s: float
    kind: str  # e.g. "phase_entered", "worker_started", "fault_applied"
    data: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """One phase of the timeline as it was really played: replay interval beside incident interval."""

    name: str
    start_s: float
    end_s: float
    from_tod_s: float  # incident time at start_s, seconds since midnight
    to_tod_s: float  # incident time at which the next phase begins
    scale: float  # incident seconds per replay second, inside the phase


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One incarnation of the worker process: from its start to its end, as the kernel saw it.

    ``exit_status`` is as a shell shows it: 0–255, 128 + signal for a death by signal; None while it lived on at the end
    of the trial's record.
    """

    index: int  # 0 is the first start, 1 the first restart
    pid: int
    started_s: float
    ended_s: float | None
    exit_status: int | None
    oom_kill_delta: (
        int  # how far the cgroup's oom_kill counter went up in this incarnation; 0 where the limit is emulated
    )
    peak_cgroup_bytes: int | None  # the kernel's high-water mark of the cgroup; None where there is no cgroup
    peak_rss_bytes: int | None  # VmHWM as last read, or the sampler's maximum, whichever is larger
    # "itself" | "kernel" | "watchdog" | "harness" | "a fault" | "an unknown SIGKILL" | "unknown": nobody saw the end
    ended_by: str

    @property
    def peak_bytes(self) -> int:
        """The highest mark known: the cgroup's, else the resident set's; 0 when neither was read."""
        return self.peak_cgroup_bytes or self.peak_rss_bytes or 0


@dataclass(frozen=True, slots=True)
class MemorySeries:
    """Memory of the worker, sampled: arrays of one length, one element a sample.

    Gaps (no worker alive) have no samples.
    """

    t_s: NDArray[np.float64]
    rss_bytes: NDArray[np.float64]
    cgroup_bytes: NDArray[np.float64]  # NaN where there is no cgroup
    incarnation: NDArray[np.int64]  # index of the Incarnation sampled

    @staticmethod
    def empty() -> MemorySeries:
        """No sample at all."""
        none = np.empty(0, dtype=np.float64)
        return MemorySeries(none, none, none, np.empty(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class QueueSample:
    """The broker's queue as the management API told it; its counts lag by up to a second, and survive its restart."""

    t_s: float
    ready: int
    unacked: int
    redelivered: int  # messages redelivered so far
    acked: int  # messages acknowledged by consumers so far, by the broker's count: finished, one way or the other


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
class Publish:
    """One attempt to publish one message."""

    message_id: str
    intended_s: float  # when the schedule wanted it
    sent_s: float
    confirmed_s: float | None  # None: never confirmed by the broker
    size_bytes: int
    error: str | None


@dataclass(frozen=True, slots=True)
class DependencyCall:
    """One request as fake_mem0 journalled it."""

    path: str
    message_id: str | None
    attempt: int  # 1 for the first call of that conversation
    mode: str
    status: int | None  # None: no answer was completed
    arrived_s: float
    duration_s: float | None  # None: still open when the journal was read
    outcome: str  # "answered" | "client_gone" | "hung" | "reset" …


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of ``conversation_events`` after the drain."""

    message_id: str
    status: str
    error_code: str | None
    retry_count: int
    next_attempt_at: str | None  # ISO 8601, UTC


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, as the worker wrote it to ALERTS_FILE."""

    alert_type: str
    level: str
    action: str  # what the worker did about it
    t_s: float | None = None  # None: the trial's start in UTC is not known
    message_id: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class QueueLeft:
    """One queue of the trial's virtual host at the very end, as ``queues.json`` holds it."""

    name: str
    is_work: bool  # the queue that the worker consumes; any other is where something was put aside
    messages: int
    message_ids: tuple[str | None, ...]  # of those that were read; None: the message names no conversation


@dataclass(frozen=True, slots=True)
class Limit:
    """How the memory limit was enforced."""

    kind: str  # "cgroup v1" | "cgroup v2" | "docker" | "watchdog"
    emulated: bool
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Whether the trial ended with everything settled. Only then is an account of messages sound."""

    complete: bool
    waited_s: float
    last_seen: str  # what was still open when the wait ended


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """All that one trial left behind. A partial run has a partial record: empty tuples, ``drain`` None."""

    arm: str
    role: str  # "before" | "reported" | "after" | "profiled"
    limit: Limit | None
    phases: tuple[PhaseSpan, ...] = ()
    incarnations: tuple[Incarnation, ...] = ()
    memory: MemorySeries = field(default_factory=MemorySeries.empty)
    queue: tuple[QueueSample, ...] = ()
    gauges: tuple[WorkerGauge, ...] = ()
    publishes: tuple[Publish, ...] = ()
    planned_messages: int = 0
    calls: tuple[DependencyCall, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    queues: tuple[QueueLeft, ...] | None = None  # None: nobody looked, so what they held is not known
    alerts: tuple[Alert, ...] = ()
    events: tuple[Event, ...] = ()
    effective_prefetch: tuple[
        int, ...
    ] = ()  # as the management API reported it, once for each incarnation; 0 is unlimited
    drain: Drain | None = None
    damaged: tuple[str, ...] = ()  # files or lines that could not be read, each said in a sentence
    links: tuple[tuple[str, str], ...] = ()  # (label, path relative to the run directory) of memray pages and logs
    heaps: tuple[HeapSummary, ...] = ()  # of a profiled arm, one an incarnation whose capture could be read
    cpu_share: float | None = None  # processor seconds of the first incarnation in a real second; None: not recorded
    start_mono_s: float = 0.0  # replay time zero on the machine's monotonic clock
