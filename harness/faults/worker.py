"""Faults of the worker: killed, terminated as a deployment does it, frozen.

An end is seen by the supervisor, and healed when the next incarnation has begun; whether a process is frozen is read
from the kernel.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from harness.errors import NotEnforceableError, WaitTimeoutError
from harness.faults.context import CanSignal, FaultContext, Part
from harness.faults.fault import Fault, LastingFault, Positive
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

_KILL_TIMEOUT_S = 30.0  # only the kernel stands in between
_FREEZE_TIMEOUT_S = 10.0  # the kernel stops a process at once, unless it is in the middle of a write to a slow disk
# The supervisor's back-off, doubled some times, and the start of a process; whatever takes longer is not healed.
_NEXT_INCARNATION_TIMEOUT_S = 60.0
_STOPPED = "T"  # the state in /proc/<pid>/stat


class _Incarnation(Protocol):
    index: int
    pid: int


class _Worker(Protocol):
    @property
    def current(self) -> _Incarnation | None: ...

    def signal(self, signum: signal.Signals) -> _Incarnation: ...

    def death(self) -> str | None: ...


class WorkerKilled(Fault):
    """SIGKILL to the worker: no chance to end anything."""

    part: ClassVar[Part] = "worker"
    needs: ClassVar[type] = CanSignal
    fault: Literal["worker_killed"]

    @contextmanager
    def in_force(self, context: FaultContext) -> Iterator[str]:
        """Kill the worker; healed when the next incarnation has begun."""
        worker: _Worker = context.worker
        incarnation = worker.signal(signal.SIGKILL)
        _wait_for_the_end(worker, incarnation, _KILL_TIMEOUT_S)
        yield f"incarnation {incarnation.index} of the worker, pid {incarnation.pid}, has ended"
        _wait_for_the_next(worker, incarnation)


class WorkerTerminated(Fault):
    """SIGTERM to the worker, and SIGKILL where it has not ended after ``grace``: what a deployment does."""

    part: ClassVar[Part] = "worker"
    needs: ClassVar[type] = CanSignal
    fault: Literal["worker_terminated"]
    grace: Positive = 30.0

    @contextmanager
    def in_force(self, context: FaultContext) -> Iterator[str]:
        """Ask the worker to end, and make it; healed when the next incarnation has begun."""
        worker: _Worker = context.worker
        incarnation = worker.signal(signal.SIGTERM)
        how = _end(worker, incarnation, self.grace / context.time_scale)
        yield f"incarnation {incarnation.index} of the worker, pid {incarnation.pid}, {how}"
        _wait_for_the_next(worker, incarnation)


class WorkerFrozen(LastingFault):
    """SIGSTOP to the worker for a while, then SIGCONT: a process that gets no processor."""

    part: ClassVar[Part] = "worker"
    needs: ClassVar[type] = CanSignal
    silences: ClassVar[bool] = True
    fault: Literal["worker_frozen"]

    @contextmanager
    def in_force(self, context: FaultContext) -> Iterator[str]:
        """Stop the worker and let it go on. One that died meanwhile is frozen no more."""
        worker: _Worker = context.worker
        incarnation = worker.signal(signal.SIGSTOP)
        pid = incarnation.pid
        try:
            wait_for(f"pid {pid} to be stopped", lambda: _is_stopped(pid), timeout_s=_FREEZE_TIMEOUT_S)
            yield f"the kernel shows pid {pid} of the worker as stopped"
        finally:
            if worker.current is incarnation:
                worker.signal(signal.SIGCONT)
        wait_for(f"pid {pid} to go on", lambda: not _is_stopped(pid), timeout_s=_FREEZE_TIMEOUT_S)


def _end(worker: _Worker, incarnation: _Incarnation, grace_s: float) -> str:
    """Wait for the end that SIGTERM asked for, or kill after ``grace_s``; return which it was."""
    try:
        _wait_for_the_end(worker, incarnation, grace_s)
    except WaitTimeoutError:
        if worker.current is not incarnation:
            raise NotEnforceableError(
                f"incarnation {incarnation.index} of the worker ended as it was to be killed"
            ) from None
        worker.signal(signal.SIGKILL)
        _wait_for_the_end(worker, incarnation, _KILL_TIMEOUT_S)
        return "had to be killed after its grace"
    return "ended within its grace"


def _wait_for_the_end(worker: _Worker, incarnation: _Incarnation, timeout_s: float) -> None:
    wait_for(
        f"incarnation {incarnation.index} of the worker to end",
        lambda: worker.current is not incarnation,
        timeout_s=timeout_s,
    )


def _wait_for_the_next(worker: _Worker, incarnation: _Incarnation) -> None:
    """Wait until a later incarnation than ``incarnation`` runs. Raises PartFailedError when none comes."""

    def next_runs() -> bool:
        current = worker.current
        return current is not None and current.index > incarnation.index

    wait_for(
        f"an incarnation of the worker after incarnation {incarnation.index}",
        next_runs,
        timeout_s=_NEXT_INCARNATION_TIMEOUT_S,
        alive=worker.death,
    )


def _is_stopped(pid: int) -> bool:
    try:
        # The state follows the command, whose brackets may hold anything.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2][1] == _STOPPED
    except FileNotFoundError:
        return False
