"""SIGSTOP to the worker, then SIGCONT: it holds its messages and its connection, and does nothing with either."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from harness.environment.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.context import FaultContext
    from harness.scenario.faults import WorkerFrozen

_SIGNAL_TIMEOUT_S = 10.0  # the kernel stops a process at once, unless it is in the middle of a write to a slow disk


@contextmanager
def worker_frozen(_fault: WorkerFrozen, context: FaultContext) -> Iterator[str]:
    """Stop the worker and let it go on; /proc is asked both times. One that died meanwhile is frozen no more."""
    incarnation = context.supervisor.signal(signal.SIGSTOP)
    try:
        wait_for(
            f"pid {incarnation.pid} to be stopped", lambda: _is_stopped(incarnation.pid), timeout_s=_SIGNAL_TIMEOUT_S
        )
        yield f"the kernel shows pid {incarnation.pid} of the worker as stopped"
    finally:
        if context.supervisor.current is incarnation:
            context.supervisor.signal(signal.SIGCONT)
    wait_for(f"pid {incarnation.pid} to go on", lambda: not _is_stopped(incarnation.pid), timeout_s=_SIGNAL_TIMEOUT_S)


def _is_stopped(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False
