"""When each fault of a scenario is applied and healed: a pure function of the scenario, whose seed draws what is drawn.

Used by ``harness.timeline``, which keeps to it, and by the checker, which asks for the fault events. The same scenario
with the same seed has the same schedule and the same hash, which the manifest records. Times are incident seconds
since the phase's beginning: a phase that ends early takes the rest of its faults with it.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.faults.fault import PulsedFault, begins_s

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.fault import Fault
    from harness.scenario.model import Phase, Scenario

_DIGITS = 3  # milliseconds of incident time: what is written down reads the same everywhere
_PULSE_SPREAD = 0.5  # a pulse lasts between half and one and a half times what the scenario says


@dataclass(frozen=True, slots=True)
class FaultOccurrence:
    """One fault, once. ``key`` names it in the fault events.

    The phase, its place in the phase's list, and its number.
    """

    key: str
    phase: str
    begins_s: float
    ends_s: float  # equal to begins_s for a fault that is over when it is done
    fault: Fault


def schedule_of(scenario: Scenario) -> tuple[FaultOccurrence, ...]:
    """Return every occurrence of every fault, phase by phase, in the order in which they begin."""
    return tuple(occurrence for phase in scenario.timeline for occurrence in _of_phase(phase, scenario.seed))


def schedule_hash(schedule: tuple[FaultOccurrence, ...]) -> str:
    """Return the SHA-256 of the schedule with every setting; empty for a schedule without a fault."""
    if not schedule:
        return ""
    plain = [
        [each.key, each.begins_s, each.ends_s, each.fault.model_dump(mode="json", by_alias=True)] for each in schedule
    ]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _of_phase(phase: Phase, seed: int) -> list[FaultOccurrence]:
    occurrences = []
    for place, fault in enumerate(phase.faults):
        # A random number generator for each entry: another entry added does not move those that were there.
        draw = random.Random(f"{seed}/{phase.phase}/{place}")
        for number, (begin_s, end_s) in enumerate(_spans(fault, begins_s(fault, phase.from_), draw)):
            key = f"{phase.phase}.{place}.{number}"
            occurrences.append(FaultOccurrence(key, phase.phase, round(begin_s, _DIGITS), round(end_s, _DIGITS), fault))
    return sorted(occurrences, key=lambda each: (each.begins_s, each.key))


def _spans(fault: Fault, begin_s: float, draw: random.Random) -> Iterator[tuple[float, float]]:
    """Yield when each occurrence begins and ends; no two of one entry overlap."""
    for start_s in _starts(fault, begin_s, draw):
        if isinstance(fault, PulsedFault):
            yield from _pulses(start_s, fault.lasts_s, *fault.pulse_s, draw)
        else:
            yield start_s, start_s + fault.lasts_s


def _starts(fault: Fault, begin_s: float, draw: random.Random) -> Iterator[float]:
    """Yield the beginnings: one, or as many as a Poisson process of the given rate has, but one at least."""
    if fault.rate is None or fault.over is None:
        yield begin_s
        return
    last_s = begin_s + fault.over - fault.lasts_s
    start_s = draw.uniform(begin_s, min(last_s, begin_s + 1 / fault.rate))
    while start_s <= last_s:
        yield start_s
        start_s += fault.lasts_s + draw.expovariate(fault.rate)


def _pulses(
    begin_s: float, length_s: float, on_s: float, off_s: float, draw: random.Random
) -> Iterator[tuple[float, float]]:
    """Yield pulses within a stretch; the first begins with it. One that rounding would make nothing of is left out."""
    end_s = begin_s + length_s
    while end_s - begin_s > 10**-_DIGITS:
        until_s = min(end_s, begin_s + on_s * draw.uniform(1 - _PULSE_SPREAD, 1 + _PULSE_SPREAD))
        yield begin_s, until_s
        begin_s = until_s + off_s * draw.uniform(1 - _PULSE_SPREAD, 1 + _PULSE_SPREAD)
