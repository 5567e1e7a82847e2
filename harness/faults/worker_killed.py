"""SIGKILL to the worker: what it held in hand is the broker's to deliver again.

The supervisor starts its next incarnation.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.faults.next_incarnation import ended, wait_for_next_incarnation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.context import FaultContext
    from harness.scenario.faults import WorkerKilled

_KILL_TIMEOUT_S = 30.0  # only the kernel stands in between


@contextmanager
def worker_killed(_fault: WorkerKilled, context: FaultContext) -> Iterator[str]:
    """Kill the worker; healed when the next incarnation has begun."""
    incarnation = context.supervisor.signal(signal.SIGKILL)
    ended(context.supervisor, incarnation, _KILL_TIMEOUT_S)
    yield f"incarnation {incarnation.index} of the worker, pid {incarnation.pid}, has ended"
    wait_for_next_incarnation(context.supervisor, incarnation)
