"""SIGTERM to the worker, and SIGKILL where it takes longer than its grace: how a deployment replaces a worker."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.errors import NotEnforceableError, WaitTimeoutError
from harness.faults.next_life import ended, wait_for_next_life

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.ground import Ground
    from harness.rig.kubelet import Kubelet, RunningLife
    from harness.scenario.faults import WorkerTerminated

_KILL_TIMEOUT_S = 30.0  # only the kernel stands in between


@contextmanager
def worker_terminated(fault: WorkerTerminated, ground: Ground) -> Iterator[str]:
    """Ask the worker to end, and make it; healed when the next life has begun."""
    life = ground.kubelet.signal(signal.SIGTERM)
    how = _end(ground.kubelet, life, fault.grace / ground.time_scale)
    yield f"life {life.index} of the worker, pid {life.pid}, {how}"
    wait_for_next_life(ground.kubelet, life)


def _end(kubelet: Kubelet, life: RunningLife, grace_s: float) -> str:
    try:
        ended(kubelet, life, grace_s)
    except WaitTimeoutError:
        if kubelet.current is not life:
            raise NotEnforceableError(f"life {life.index} of the worker ended as it was to be killed") from None
        kubelet.signal(signal.SIGKILL)
        ended(kubelet, life, _KILL_TIMEOUT_S)
        return "had to be killed after its grace"
    return "ended within its grace"
