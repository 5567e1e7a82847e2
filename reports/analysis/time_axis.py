"""Computes the axis that all arms share: replay seconds, phase beside phase, ticked in incident time.

Used by the charts. Phases run at different scales, and a phase that ends early in one arm may not in another. So each
phase gets a column as wide as the longest arm needed for it; inside a column the axis is linear in replay seconds,
and a tick says the incident time there. An arm whose phase was shorter leaves the rest of that column blank. Draws
nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reports.wording import short_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.record import PhaseSpan, TrialRecord

# Steps between ticks that a reader of clocks expects, in incident seconds.
_TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600)
_TICKS_PER_COLUMN_MAX = 50


@dataclass(frozen=True, slots=True)
class PhaseColumn:
    """One phase on the axis: where it begins and how wide it is, in replay seconds, and its incident time."""

    name: str
    start_x: float
    width: float
    from_tod_s: float
    to_tod_s: float
    scale: float

    @property
    def end_x(self) -> float:
        """Where the column ends."""
        return self.start_x + self.width

    @property
    def reached_tod_s(self) -> float:
        """The incident time at the column's end: ``to_tod_s``, or less where every arm left the phase early."""
        return min(self.to_tod_s, self.from_tod_s + self.width * self.scale)


@dataclass(frozen=True, slots=True)
class Axis:
    """The shared axis, in replay seconds since the first phase began; without columns since the trial's start."""

    columns: tuple[PhaseColumn, ...]
    start_x: float  # below 0 where a worker was started before the first phase
    end_x: float  # beyond the last column where an arm took time to drain

    def place(self, phases: Sequence[PhaseSpan], t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the place of each replay time of a trial with these phases."""
        if not phases or not self.columns:
            return t_s.astype(np.float64)
        starts = np.array([phase.start_s for phase in phases])
        column_of = {column.name: column for column in self.columns}
        offsets = np.array([column_of[phase.name].start_x - phase.start_s for phase in phases])
        x: NDArray[np.float64] = t_s + offsets[np.maximum(np.searchsorted(starts, t_s, side="right") - 1, 0)]
        last = phases[-1]
        if (
            last.name == self.columns[-1].name
        ):  # after the timeline: the drain begins where the last column ends, for every arm
            x = np.where(t_s > last.end_s, self.columns[-1].end_x + t_s - last.end_s, x)
        return x

    def place_one(self, phases: Sequence[PhaseSpan], t_s: float) -> float:
        """Return the place of one replay time."""
        return float(self.place(phases, np.array([t_s]))[0])

    def place_time_of_day(self, tod_s: float) -> float | None:
        """Return the place of an incident time; None where no arm ever reached it."""
        for column in self.columns:
            if column.from_tod_s <= tod_s <= column.reached_tod_s:
                return column.start_x + (tod_s - column.from_tod_s) / column.scale
        return None

    def ticks(self, low_x: float, high_x: float, labels_max: int) -> list[tuple[float, str]]:
        """Return (place, label) of ticks between two places: phase borders, then round times where there is room."""
        gap = (high_x - low_x) / labels_max
        chosen: list[tuple[float, str]] = []
        for column in self.columns:
            if low_x <= column.start_x <= high_x:
                _add_if_clear(chosen, column.start_x, column.from_tod_s, gap)
        for column in self.columns:
            for x, tod_s in _round_times(column, gap):
                if low_x <= x <= high_x:
                    _add_if_clear(chosen, x, tod_s, gap)
        return sorted(chosen)


def align(trials: Sequence[TrialRecord]) -> Axis:
    """Return the axis on which every trial of a run can be drawn."""
    widths: dict[str, float] = {}
    spans: dict[str, PhaseSpan] = {}
    before_x, after_x, unphased_x = 0.0, 0.0, 0.0
    for trial in trials:
        begin_s, end_s = _recorded_s(trial)
        if not trial.phases:
            unphased_x = max(unphased_x, end_s)
            continue
        before_x = max(before_x, trial.phases[0].start_s - begin_s)
        after_x = max(after_x, end_s - trial.phases[-1].end_s)
        for phase in trial.phases:
            spans.setdefault(phase.name, phase)
            widths[phase.name] = max(widths.get(phase.name, 0.0), phase.end_s - phase.start_s)
    columns: list[PhaseColumn] = []
    x = 0.0
    for span in sorted(spans.values(), key=lambda span: span.from_tod_s):
        columns.append(PhaseColumn(span.name, x, widths[span.name], span.from_tod_s, span.to_tod_s, span.scale))
        x += widths[span.name]
    if columns:  # after the last phase its clock goes on, as ``harness.clock`` has it
        columns[-1] = replace(columns[-1], to_tod_s=math.inf)
    return Axis(tuple(columns), start_x=-before_x if columns else 0.0, end_x=max(x + after_x, unphased_x, 1.0))


def _recorded_s(trial: TrialRecord) -> tuple[float, float]:
    """Return the first and the last moment of which a trial holds something to draw; below 0 is before its start."""
    moments = [incarnation.started_s for incarnation in trial.incarnations]
    moments += [incarnation.ended_s for incarnation in trial.incarnations if incarnation.ended_s is not None]
    moments += [moment for phase in trial.phases for moment in (phase.start_s, phase.end_s)]
    moments += [trial.queue[0].t_s, trial.queue[-1].t_s] if trial.queue else []
    moments += [trial.gauges[0].t_s, trial.gauges[-1].t_s] if trial.gauges else []
    moments += [float(trial.memory.t_s.min()), float(trial.memory.t_s.max())] if trial.memory.t_s.size else []
    return min(moments, default=0.0), max(moments, default=0.0)


def _round_times(column: PhaseColumn, gap: float) -> list[tuple[float, float]]:
    """Return (place, incident time) at round times inside a column, at least ``gap`` apart."""
    wanted_s = gap * column.scale
    step_s = next((step for step in _TICK_STEPS_S if step >= wanted_s), None)
    if step_s is None:
        return []
    first = math.floor(column.from_tod_s / step_s) + 1
    last = min(math.ceil(column.reached_tod_s / step_s), first + _TICKS_PER_COLUMN_MAX)
    times = [number * float(step_s) for number in range(first, last)]
    return [(column.start_x + (tod_s - column.from_tod_s) / column.scale, tod_s) for tod_s in times]


def _add_if_clear(chosen: list[tuple[float, str]], x: float, tod_s: float, gap: float) -> None:
    """Add a tick unless another one is nearer than ``gap``."""
    if all(abs(x - other) >= gap for other, _ in chosen):
        chosen.append((x, short_time(tod_s)))
