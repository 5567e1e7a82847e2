"""What a fault is done to: the parts of one trial, each with the verbs that a fault needs.

Made by the trial, handed to every fault. It does nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.environment.broker.broker import Broker
    from harness.environment.dependency import Mem0
    from harness.environment.proxy.proxy import Link
    from harness.environment.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class FaultContext:
    """The parts of one trial. ``time_scale`` is the scenario's: it divides a fault's settings in incident time."""

    link: Link  # the worker's to the broker
    broker: Broker
    database_url: str
    supervisor: Supervisor
    mem0: Mem0
    time_scale: float

    def real_ms(self, incident_s: float) -> int:
        """Return incident seconds as whole real milliseconds, at least one where something was asked for."""
        return max(1, round(incident_s / self.time_scale * 1000)) if incident_s > 0 else 0
