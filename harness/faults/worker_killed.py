"""SIGKILL to the worker: what it held in hand is the broker's to deliver again. The kubelet starts its next life."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.faults.next_life import ended, wait_for_next_life

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.ground import Ground
    from harness.scenario.faults import WorkerKilled

_KILL_TIMEOUT_S = 30.0  # only the kernel stands in between


@contextmanager
def worker_killed(_fault: WorkerKilled, ground: Ground) -> Iterator[str]:
    """Kill the worker; healed when the next life has begun."""
    life = ground.kubelet.signal(signal.SIGKILL)
    ended(ground.kubelet, life, _KILL_TIMEOUT_S)
    yield f"life {life.index} of the worker, pid {life.pid}, has ended"
    wait_for_next_life(ground.kubelet, life)
