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
from harness.scenario import schedule_of
from harness.timeline.faults_in_force import FaultsInForce
from harness.waiting import pause_until

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
class Timeline:
    """What a timeline is played on: the parts that faults are done to, the record, and what is shown meanwhile."""

    context: FaultContext
    folder: TrialFolder
    narrator: Narrator
    status: Callable[[], str]  # one line about worker and queue, for people
    drained: Callable[[], bool]  # or nobody is left who could drain anything

    def play(self, scenario: Scenario, workload: PhaseLengths = NO_LENGTHS_YET) -> PhaseLengths:
        """Play all phases from replay time zero, which the folder knows. Returns when the last one is over.

        ``workload`` holds the lengths of phases that an event ended in an earlier trial: here they last just as long,
        whatever happens, so that every arm goes through the same workload. What is returned is the same for this trial.
        A phase's faults are healed by its end, whenever that comes, and whatever comes instead.
        """
        pause_until(self.folder.start_mono_s)
        lengths_s = dict(workload)
        begins_mono_s = self.folder.start_mono_s
        schedule = schedule_of(scenario)
        with FaultsInForce(self.context, self.folder) as faults:
            for phase in scenario.timeline:
                scale = scenario.scale_of(phase)
                self._enter(phase, scale, faults)
                faults.begin([each for each in schedule if each.phase == phase.phase], begins_mono_s, scale)
                ended_mono_s = self._stay(phase, scale, faults, begins_mono_s, workload.get(phase.phase))
                faults.end()
                if phase.ends_when is not None and phase.ends_when.restarts is not None:
                    lengths_s[phase.phase] = ended_mono_s - begins_mono_s
                begins_mono_s = ended_mono_s
        return lengths_s

    def _enter(self, phase: Phase, scale: float, faults: FaultsInForce) -> None:
        self.folder.event("phase_entered", phase=phase.phase, from_tod_s=phase.from_, to_tod_s=phase.to, scale=scale)
        self.narrator.milestone(f"{format_time_of_day(phase.from_)} {phase.phase}")
        if phase.dependency is not None:
            faults.follow(f"{phase.phase}.dependency", phase.dependency)

    def _stay(
        self, phase: Phase, scale: float, faults: FaultsInForce, begins_mono_s: float, length_s: float | None
    ) -> float:
        """Stay in the phase until its time is over or what ends it early has happened; return when that was.

        With ``length_s`` it lasts just so long, whatever happens.
        """
        ends_mono_s = begins_mono_s + (length_s if length_s is not None else (phase.to - phase.from_) / scale)
        next_status_mono_s = time.monotonic() + _STATUS_INTERVAL_S
        while (now_mono_s := time.monotonic()) < ends_mono_s:
            if length_s is None and self._ends_early(phase):
                self.folder.event("phase_ended_early", phase=phase.phase)
                return now_mono_s
            faults.act(now_mono_s)
            if now_mono_s >= next_status_mono_s:
                next_status_mono_s = now_mono_s + _STATUS_INTERVAL_S
                tod_s = phase.from_ + (now_mono_s - begins_mono_s) * scale
                self.narrator.status(f"{format_time_of_day(tod_s)} {phase.phase}: {self.status()}")
            pause_until(min(ends_mono_s, now_mono_s + _LOOK_INTERVAL_S, faults.next_mono_s()))
        return ends_mono_s

    def _ends_early(self, phase: Phase) -> bool:
        if phase.ends_when is None:
            return False
        if phase.ends_when.restarts is not None:
            return bool(self.context.worker.restarts >= phase.ends_when.restarts)
        return self.drained()


def planned_starts_s(scenario: Scenario) -> dict[str, tuple[float, float]]:
    """Return for each phase its planned (start, end) in replay seconds, were none to end early."""
    starts: dict[str, tuple[float, float]] = {}
    now_s = 0.0
    for phase in scenario.timeline:
        end_s = now_s + (phase.to - phase.from_) / scenario.scale_of(phase)
        starts[phase.phase] = (now_s, end_s)
        now_s = end_s
    return starts
