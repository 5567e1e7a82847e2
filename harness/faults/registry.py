"""Which file puts which fault in force: a plain table from the settings' model to the context manager.

Used by ``in_force``. A fault is a context manager: entered, it is in force, and what it yields says how that was seen;
left, it is healed, and that was seen too. What could not be seen is NotEnforceableError or PartFailedError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.faults.broker_killed import broker_killed
from harness.faults.broker_memory_alarm import broker_memory_alarm
from harness.faults.broker_restarted import broker_restarted
from harness.faults.database_down import database_down
from harness.faults.database_locked import database_locked
from harness.faults.link_bandwidth import link_bandwidth
from harness.faults.link_cut import link_cut
from harness.faults.link_latency import link_latency
from harness.faults.link_reset import link_reset
from harness.faults.link_sliced import link_sliced
from harness.faults.link_stalled import link_stalled
from harness.faults.link_timeout import link_timeout
from harness.faults.mem0_misbehaves import mem0_misbehaves
from harness.faults.worker_frozen import worker_frozen
from harness.faults.worker_killed import worker_killed
from harness.faults.worker_terminated import worker_terminated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from harness.faults.context import FaultContext
    from harness.scenario import Fault

BY_NAME: Mapping[str, Callable[[Any, FaultContext], AbstractContextManager[str]]] = {
    "link_latency": link_latency,
    "link_bandwidth": link_bandwidth,
    "link_stalled": link_stalled,
    "link_timeout": link_timeout,
    "link_sliced": link_sliced,
    "link_reset": link_reset,
    "link_cut": link_cut,
    "link_flapping": link_cut,
    "broker_killed": broker_killed,
    "broker_restarted": broker_restarted,
    "broker_memory_alarm": broker_memory_alarm,
    "database_down": database_down,
    "database_locked": database_locked,
    "database_slow": database_locked,
    "worker_killed": worker_killed,
    "worker_terminated": worker_terminated,
    "worker_frozen": worker_frozen,
    "mem0_misbehaves": mem0_misbehaves,
}


def put_in_force(fault: Fault, context: FaultContext) -> AbstractContextManager[str]:
    """Return the context in which ``fault`` is in force."""
    return BY_NAME[fault.fault](fault, context)
