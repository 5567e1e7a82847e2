"""The supervisor starts the worker inside a memory limit, sees it end, and starts it again, later each time.

Used by ``harness.trial``; the probes read which process is running. Each incarnation gets a memory limit of its own, so
that the kernel's counters belong to one incarnation. It judges nothing: what it saw goes to ``on_event``.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM, Signals
from typing import TYPE_CHECKING, Protocol, Self

from harness.environment.oom_watch import OomWatch
from harness.environment.process import SIGKILL_STATUS, Child
from harness.errors import HarnessError, NotEnforceableError
from harness.record import EndedBy, KillScope
from harness.waiting import pause_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from harness.environment.memory_limit import LimitReading, MemoryLimit, MemoryLimits
    from harness.environment.oom_watch import SeenKill
    from harness.record import Scalar

_LOOK_INTERVAL_S = 0.02  # how late an end is noticed; the 20-a-second sampler sees no gap
_DOUBLINGS_MAX = 30  # of the back-off: by then any limit is reached, and a float still holds it
_BROKEN_GRACE_S = 1.0  # nobody judges the end of a trial that broke; a person may be waiting after Ctrl-C


class OnEvent(Protocol):
    """Where the supervisor says what happened: ``TrialFolder.event``."""

    def __call__(self, kind: str, **data: Scalar) -> None:
        """Record one event."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerLaunch:
    """How to start the worker.

    ``argv`` and ``env`` are asked anew for each incarnation: a profiled incarnation writes a capture of its own.
    """

    argv: Callable[[int], tuple[str, ...]]
    env: Callable[[int], Mapping[str, str]]
    cwd: Path
    logs: Path


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When a worker that ended is started again, as the kubelet does it. Real seconds."""

    backoff_s: float  # before the first restart; doubles each time
    restarts_max: int
    backoff_max_s: float = math.inf  # the kubelet's is five minutes
    reset_after_s: float = math.inf  # a worker that ran so long is started again as if it were the first time: 10 min

    def wait_s(self, ends_in_a_row: int) -> float:
        """Return how long to wait before the next start, after so many ends since the last reset, one at least."""
        doublings = min(ends_in_a_row - 1, _DOUBLINGS_MAX)
        return min(self.backoff_s * float(2**doublings), self.backoff_max_s)


@dataclass(slots=True)
class RunningIncarnation:
    """The incarnation that is going on. The memory probe writes the resident set's high-water mark into it."""

    index: int
    pid: int
    memory_limit: MemoryLimit
    peak_rss_bytes: int = 0
    signalled: Signals | None = None  # the last signal that a fault sent
    kills_of_others: int = 0  # processes beside the first one that the kernel's OOM killer took
    ended_with_container: bool = False  # the supervisor ended it, since another of its processes was OOM-killed


class Supervisor:
    """A context manager: entered, the worker runs; left, it is ended and its memory limit is gone.

    Args:
        launch: How to start the worker.
        memory_limits: Makes the memory limit of each incarnation.
        limit_bytes: The memory limit of every incarnation.
        policy: When to start it again.
        on_event: Takes ``worker_started``, ``worker_signalled``, ``oom_kill``, ``worker_ended`` and
            ``restarts_exhausted``, from the supervisor's own thread or a fault's.
        name: Names the memory limits, together with the incarnation's number.
        kills: What is killed where the limit is hit: a process, or the whole container.
        grace_s: How long the worker has after SIGTERM, in real seconds; at most one where the trial broke.

    """

    def __init__(
        self,
        launch: WorkerLaunch,
        memory_limits: MemoryLimits,
        limit_bytes: int,
        policy: RestartPolicy,
        on_event: OnEvent,
        *,
        name: str,
        grace_s: float,
        kills: KillScope = KillScope.PROCESS,
    ) -> None:
        self._kills = kills
        self._launch = launch
        self._memory_limits = memory_limits
        self._limit_bytes = limit_bytes
        self._policy = policy
        self._on_event = on_event
        self._name = name
        self._grace_s = grace_s
        self._stopping = threading.Event()
        self._child: Child | None = None
        self._thread = threading.Thread(target=self._live_and_die, name=f"supervisor-{name}", daemon=True)
        self.current: RunningIncarnation | None = None
        self.restarts = 0
        self.gave_up: str | None = None  # why no further incarnation will come

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._grace_s = min(self._grace_s, _BROKEN_GRACE_S)
        self._stopping.set()
        self._thread.join()

    def death(self) -> str | None:
        """Return None while incarnations go on, else why none will come: for ``wait_for``'s ``alive``."""
        return self.gave_up

    def signal(self, signum: Signals) -> RunningIncarnation:
        """Send ``signum`` to the worker, as a fault does; return its incarnation.

        Raises NotEnforceableError when no worker is alive to take it.
        """
        incarnation, child = self.current, self._child
        if incarnation is None or child is None or child.poll() is not None:
            raise NotEnforceableError(f"{signum.name} was to be sent to the worker, and none is alive")
        incarnation.signalled = signum
        self._note_signal(incarnation, signum, by="fault")
        child.signal(signum)
        return incarnation

    def _live_and_die(self) -> None:
        try:
            why = self._incarnations()
        except Exception as error:  # noqa: BLE001 - a thread that died in silence would leave the trial waiting for it
            why = f"the worker could not be kept running: {type(error).__name__}: {error}"
        if why is not None:
            self.gave_up = why
            with suppress(HarnessError):  # a full disk is the trial's to find, not this thread's to die of
                self._on_event("restarts_exhausted", why=why)

    def _incarnations(self) -> str | None:
        """Run one incarnation after the other. Returns None when told to stop, else why no further one will come."""
        ends_in_a_row = 0
        for index in range(self._policy.restarts_max + 1):
            began_mono_s = time.monotonic()
            status = self._one_incarnation(index)
            if self._stopping.is_set():
                return None
            ran_long = time.monotonic() - began_mono_s >= self._policy.reset_after_s
            ends_in_a_row = 1 if ran_long else ends_in_a_row + 1
            if index < self._policy.restarts_max:
                if pause_until(time.monotonic() + self._policy.wait_s(ends_in_a_row), wake=self._stopping):
                    return None
                self.restarts = index + 1
        log = self._launch.logs / f"worker-{self._policy.restarts_max}.log"
        return f"the worker ended {self._policy.restarts_max + 1} times, last with {status}; see {log}"

    def _one_incarnation(self, index: int) -> int:
        memory_limit = self._memory_limits.open(f"{self._name}-{index}", self._limit_bytes, self._kills)
        try:
            child = Child(
                f"worker incarnation {index}",
                self._launch.argv(index),
                self._launch.env(index),
                self._launch.logs / f"worker-{index}.log",
                cwd=self._launch.cwd,
                prefix=memory_limit.prefix,
            )
            with child:
                memory_limit.watch(child.pid)
                incarnation = RunningIncarnation(index, child.pid, memory_limit)
                self._on_event("worker_started", incarnation=index, pid=child.pid)
                self._child = child
                self.current = incarnation
                with OomWatch(memory_limit, child.pid) as watch:
                    self._watch_until_end(child, incarnation, watch)
                    asked_to_stop = child.poll() is None
                    if asked_to_stop:
                        self._note_signal(incarnation, SIGTERM, by="harness")
                    status = child.terminate(self._grace_s) if asked_to_stop else (child.exit_status or 0)
                    self.current = None
                    self._note_kills(incarnation, watch.last_look())
                self._record_end(incarnation, status, asked_to_stop=asked_to_stop)
                return status
        finally:
            self.current = None
            memory_limit.close()

    def _watch_until_end(self, child: Child, incarnation: RunningIncarnation, watch: OomWatch) -> None:
        """Return when the first process has ended, or the trial has."""
        while child.poll() is None and not self._stopping.wait(_LOOK_INTERVAL_S):
            kills = watch.look()
            self._note_kills(incarnation, kills)
            if kills and incarnation.memory_limit.limit.scope_emulated:
                incarnation.ended_with_container = not any(kill.first_process for kill in kills)
                incarnation.memory_limit.end_processes()

    def _note_kills(self, incarnation: RunningIncarnation, kills: Sequence[SeenKill]) -> None:
        for kill in kills:
            incarnation.kills_of_others += kill.pid is not None and not kill.first_process
            with suppress(HarnessError):  # a full disk must not keep the worker alive
                self._on_event(
                    "oom_kill",
                    incarnation=incarnation.index,
                    pid=kill.pid,
                    command=kill.command,
                    first_process=kill.first_process,
                )

    def _note_signal(self, incarnation: RunningIncarnation, signum: Signals, *, by: str) -> None:
        with suppress(HarnessError):
            self._on_event("worker_signalled", incarnation=incarnation.index, signal=signum.name, by=by)

    def _record_end(self, incarnation: RunningIncarnation, status: int, *, asked_to_stop: bool) -> None:
        """Read the memory limit's counters before it goes, and record how the incarnation ended."""
        reading = incarnation.memory_limit.read()
        with suppress(HarnessError):
            self._on_event(
                "worker_ended",
                incarnation=incarnation.index,
                exit_status=status,
                oom_kill_delta=reading.oom_kills,
                peak_cgroup_bytes=reading.peak_bytes,
                peak_rss_bytes=max(incarnation.peak_rss_bytes, reading.peak_rss_bytes or 0) or None,
                ended_by=_ended_by(status, reading, incarnation, asked_to_stop=asked_to_stop),
            )


def _ended_by(status: int, reading: LimitReading, incarnation: RunningIncarnation, *, asked_to_stop: bool) -> EndedBy:
    """Return who ended the first process of an incarnation."""
    was_killed = status == SIGKILL_STATUS
    if incarnation.ended_with_container and was_killed:
        return EndedBy.SUPERVISOR
    if was_killed and reading.oom_kills > incarnation.kills_of_others and incarnation.signalled is not SIGKILL:
        return EndedBy.KERNEL
    if was_killed and reading.watchdog_kills > 0:
        return EndedBy.WATCHDOG
    if asked_to_stop:
        return EndedBy.HARNESS
    if incarnation.signalled in (SIGKILL, SIGTERM):
        return EndedBy.FAULT
    return EndedBy.UNKNOWN_SIGKILL if was_killed else EndedBy.ITSELF
