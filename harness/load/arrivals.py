"""From a scenario's phases to arrivals: the bridge between incident time and the schedule.

Used by the trial and the dry run. Pure; it draws nothing itself, and publishes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.incidents import incident
from harness.load.schedule import Arrival, ArrivalPhase, Burst, Constant, build_schedule
from harness.protocols.payload import PayloadSizes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.scenario import Phase, Scenario


def arrivals_of(scenario: Scenario, starts_s: Mapping[str, tuple[float, float]]) -> tuple[Arrival, ...]:
    """Return the scenario's arrivals; ``starts_s`` gives each phase's planned (start, end) in replay seconds.

    An arrival keeps its planned replay time even when a phase ends early: the workload is the same for every arm.
    """
    phases: list[ArrivalPhase] = []
    for phase in scenario.timeline:
        start_s, end_s = starts_s[phase.phase]
        kind = _kind(phase, scenario.scale_of(phase), end_s - start_s)
        phases.append(ArrivalPhase(phase.phase, start_s, end_s, kind, phase.copies, phase.poison))
    prefix = incident(scenario.incident).id_prefix
    return build_schedule(phases, seed=scenario.seed, sizes=sizes_of(scenario), id_prefix=prefix)


def sizes_of(scenario: Scenario) -> PayloadSizes:
    """Return the body sizes that the scenario asks for."""
    return PayloadSizes(scenario.messages.size_min, scenario.messages.size_max)


def _kind(phase: Phase, scale: float, length_s: float) -> Constant | Burst:
    if isinstance(phase.arrivals, float):
        return Constant(phase.arrivals * scale)
    # A burst over its whole phase may come out longer than that by the last digit.
    return Burst(phase.arrivals.burst, min(phase.arrivals.over / scale, length_s))
