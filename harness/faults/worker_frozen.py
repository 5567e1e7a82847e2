"""SIGSTOP to the worker, then SIGCONT: it holds its messages and its connection, and does nothing with either."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from harness.rig.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.ground import Ground
    from harness.scenario.faults import WorkerFrozen

_SIGNAL_TIMEOUT_S = 10.0  # the kernel stops a process at once, unless it is in the middle of a write to a slow disk


@contextmanager
def worker_frozen(_fault: WorkerFrozen, ground: Ground) -> Iterator[str]:
    """Stop the worker and let it go on; /proc is asked both times. One that died meanwhile is frozen no more."""
    life = ground.kubelet.signal(signal.SIGSTOP)
    try:
        wait_for(f"pid {life.pid} to be stopped", lambda: _is_stopped(life.pid), timeout_s=_SIGNAL_TIMEOUT_S)
        yield f"the kernel shows pid {life.pid} of the worker as stopped"
    finally:
        if ground.kubelet.current is life:
            ground.kubelet.signal(signal.SIGCONT)
    wait_for(f"pid {life.pid} to go on", lambda: not _is_stopped(life.pid), timeout_s=_SIGNAL_TIMEOUT_S)


def _is_stopped(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False
