"""Plays a scenario's phases: enters each in its time, puts its faults in force, ends it early where it says so.

Used by the trial. The clock of a phase is the phase's own scale; what entering one costs does not add up, since each
ends when it was to end, not so long after it was entered. It starts no part and judges nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.clock import format_time_of_day
from harness.environment.waiting import pause_until
from harness.faults.in_force import FaultsInForce
from harness.faults.mem0_rules import apply_rules
from harness.scenario import schedule_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.faults.context import FaultContext
    from harness.narration import Narrator
    from harness.scenario import Phase, Scenario
    from harness.store import TrialFolder

_LOOK_INTERVAL_S = 0.1
_STATUS_INTERVAL_S = 2.0

# For each phase that an event may end: how long it lasted, in real seconds.
PhaseLengths = Mapping[str, float]
NO_LENGTHS_YET: PhaseLengths = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stage:
    """What the timeline acts on and asks."""

    context: FaultContext  # what the faults are done to
    folder: TrialFolder
    narrator: Narrator
    status: Callable[[], str]  # one line about worker and queue, for people
    drained: Callable[[], bool]  # or nobody is left who could drain anything


def play(scenario: Scenario, stage: Stage, workload: PhaseLengths = NO_LENGTHS_YET) -> PhaseLengths:
    """Play all phases from replay time zero, which the folder knows. Returns when the last one is over.

    ``workload`` holds the lengths of phases that an event ended in an earlier trial: here they last just as long,
    whatever happens, so that every arm goes through the same workload. What is returned is the same for this trial. A
    phase's faults are healed by its end, whenever that comes, and whatever comes instead. Raises NotEnforceableError
    where pika-mem0's rules can't be put in force.
    """
    pause_until(stage.folder.start_mono_s)
    lengths_s = dict(workload)
    begins_mono_s = stage.folder.start_mono_s
    schedule = schedule_of(scenario)
    with FaultsInForce(stage.context, stage.folder) as faults:
        for phase in scenario.timeline:
            _enter(phase, scenario, stage)
            own = [each for each in schedule if each.phase == phase.phase]
            faults.begin(own, begins_mono_s, scenario.scale_of(phase))
            ended_mono_s = _stay(
                phase, scenario.scale_of(phase), stage, faults, begins_mono_s, workload.get(phase.phase)
            )
            faults.end()
            if phase.ends_when is not None and phase.ends_when.restarts is not None:
                lengths_s[phase.phase] = ended_mono_s - begins_mono_s
            begins_mono_s = ended_mono_s
    return lengths_s


def planned_starts_s(scenario: Scenario) -> dict[str, tuple[float, float]]:
    """Return for each phase its planned (start, end) in replay seconds, were none to end early."""
    starts: dict[str, tuple[float, float]] = {}
    now_s = 0.0
    for phase in scenario.timeline:
        end_s = now_s + (phase.to - phase.from_) / scenario.scale_of(phase)
        starts[phase.phase] = (now_s, end_s)
        now_s = end_s
    return starts


def _enter(phase: Phase, scenario: Scenario, stage: Stage) -> None:
    scale = scenario.scale_of(phase)
    stage.folder.event("phase_entered", phase=phase.phase, from_tod_s=phase.from_, to_tod_s=phase.to, scale=scale)
    stage.narrator.milestone(f"{format_time_of_day(phase.from_)} {phase.phase}")
    if phase.mem0 is not None:
        apply_rules(stage.context.mem0, phase.mem0, scenario.time_scale, stage.folder)


def _stay(
    phase: Phase, scale: float, stage: Stage, faults: FaultsInForce, begins_mono_s: float, length_s: float | None
) -> float:
    """Stay in the phase until its time is over or what ends it early has happened; return when that was.

    With ``length_s`` it lasts just so long, whatever happens.
    """
    ends_mono_s = begins_mono_s + (length_s if length_s is not None else (phase.to - phase.from_) / scale)
    next_status_mono_s = time.monotonic() + _STATUS_INTERVAL_S
    while (now_mono_s := time.monotonic()) < ends_mono_s:
        if length_s is None and _ends_early(phase, stage):
            stage.folder.event("phase_ended_early", phase=phase.phase)
            return now_mono_s
        faults.act(now_mono_s)
        if now_mono_s >= next_status_mono_s:
            next_status_mono_s = now_mono_s + _STATUS_INTERVAL_S
            tod_s = phase.from_ + (now_mono_s - begins_mono_s) * scale
            stage.narrator.status(f"{format_time_of_day(tod_s)} {phase.phase}: {stage.status()}")
        pause_until(min(ends_mono_s, now_mono_s + _LOOK_INTERVAL_S, faults.next_mono_s()))
    return ends_mono_s


def _ends_early(phase: Phase, stage: Stage) -> bool:
    if phase.ends_when is None:
        return False
    if phase.ends_when.restarts is not None:
        return stage.context.supervisor.restarts >= phase.ends_when.restarts
    return stage.drained()
