"""SIGTERM to the worker, and SIGKILL where it takes longer than its grace: how a deployment replaces a worker."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.errors import NotEnforceableError, WaitTimeoutError
from harness.faults.next_incarnation import ended, wait_for_next_incarnation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.environment.supervisor import RunningIncarnation, Supervisor
    from harness.faults.context import FaultContext
    from harness.scenario.faults import WorkerTerminated

_KILL_TIMEOUT_S = 30.0  # only the kernel stands in between


@contextmanager
def worker_terminated(fault: WorkerTerminated, context: FaultContext) -> Iterator[str]:
    """Ask the worker to end, and make it; healed when the next incarnation has begun."""
    incarnation = context.supervisor.signal(signal.SIGTERM)
    how = _end(context.supervisor, incarnation, fault.grace / context.time_scale)
    yield f"incarnation {incarnation.index} of the worker, pid {incarnation.pid}, {how}"
    wait_for_next_incarnation(context.supervisor, incarnation)


def _end(supervisor: Supervisor, incarnation: RunningIncarnation, grace_s: float) -> str:
    try:
        ended(supervisor, incarnation, grace_s)
    except WaitTimeoutError:
        if supervisor.current is not incarnation:
            raise NotEnforceableError(
                f"incarnation {incarnation.index} of the worker ended as it was to be killed"
            ) from None
        supervisor.signal(signal.SIGKILL)
        ended(supervisor, incarnation, _KILL_TIMEOUT_S)
        return "had to be killed after its grace"
    return "ended within its grace"
