"""Draws what the memory of each arm was made of, one panel an arm: stacked areas, and the working set as a line.

Used by ``reports.charts.all_charts``, for arms whose cgroup was measured. Each panel has a height of its own: an arm
that stays low would be a thin line below one that meets the limit, and what it is made of could not be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.record import MIB
from harness.record.facts import limit_bytes, mib
from reports.analysis.kills import kills_of
from reports.analysis.series import extremes_of, split_at_gaps
from reports.charts import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from harness.record import MemorySeries, RunRecord, TrialRecord
    from reports.analysis.time_axis import Axis
    from reports.charts.style import Shape

_PANEL_HEIGHT = 0.62  # of a memory chart's
_HEADROOM = 1.2
_LIMIT_SHOWN_BELOW = 1.6  # times the highest value; a limit further up would press everything to the floor
_OTHER_SHARE_MIN = 0.01  # of all that is charged; below it the remainder is rounding
_AREAS = (
    ("anonymous", style.ORANGE),
    ("file pages", style.SKY),
    ("kernel", style.PURPLE),
    ("other: shared memory", style.GREEN),
)


def has_kinds(trial: TrialRecord) -> bool:
    """Tell whether a cgroup measured the kinds of memory of a trial."""
    return bool((np.isfinite(trial.memory.anonymous_bytes) & np.isfinite(trial.memory.cgroup_bytes)).any())


def draw_memory_kinds(run: RunRecord, budgets_bytes: Mapping[str, float], axis: Axis, shape: Shape) -> Figure:
    """Return one panel for each arm whose kinds of memory were measured. ``budgets_bytes`` is by arm."""
    trials = [trial for trial in run.trials if has_kinds(trial)]
    figure, axes = style.panels(shape, len(trials), _PANEL_HEIGHT)
    names: list[str] = []
    for ax, trial in zip(axes, trials, strict=True):
        budget = budgets_bytes.get(trial.arm)
        highest = max(_draw_areas(ax, trial, axis), budget or 0.0)
        _draw_kills(ax, run, trial, axis)
        if budget is not None:
            _draw_bound(ax, budget, f"budget {mib(budget)}", style.BLUE)
        limit = limit_bytes(trial, run.manifest)
        names.append(trial.arm)
        if limit > _LIMIT_SHOWN_BELOW * highest:
            names[-1] += f" (limit {mib(limit)}, far above)"
        else:
            highest = max(highest, float(limit))
            _draw_bound(ax, limit, f"limit {mib(limit)}", style.INK)
        ax.set_ylim(0, max(highest / MIB, 1) * _HEADROOM)
        ax.set_ylabel("MiB", fontsize=shape.small_pt, color=style.INK)
        for text in ax.texts:
            text.set(fontsize=shape.small_pt, color=style.INK)
    for ax, name in zip(axes, names, strict=True):
        style.time_axis(ax, axis, shape, names=ax is axes[0])
        style.name_panel(ax, name, shape)
    style.legend(figure, max(axes, key=lambda ax: len(ax.get_legend_handles_labels()[0])), shape)
    return figure


def _draw_areas(ax: Axes, trial: TrialRecord, axis: Axis) -> float:
    """Draw the kinds on top of each other, incarnation by incarnation; return the highest sum, in bytes."""
    memory = trial.memory
    layers, other = _layers(memory)
    shown: set[str] = set()
    for places in _stretches(trial, axis):
        x = axis.place(trial.phases, memory.t_s[places])
        floor = np.zeros(places.size)
        for (name, colour), layer in zip(_AREAS, layers, strict=True):
            if name.startswith("other") and not other:
                continue
            top = floor + layer[places] / MIB
            label = None if name in shown else name
            shown.add(name)
            ax.fill_between(x, floor, top, color=colour, alpha=0.75, linewidth=0, label=label, zorder=2)
            floor = top
        label = None if "working set" in shown else "working set"
        shown.add("working set")
        ax.plot(x, memory.working_set_bytes[places] / MIB, color=style.INK, linewidth=1.2, label=label, zorder=3)
    return float(np.nanmax(np.sum(layers, axis=0), initial=0.0))


def _layers(memory: MemorySeries) -> tuple[list[NDArray[np.float64]], bool]:
    """Return the layers from the floor up, and whether the last one, what no kind names, is worth drawing."""
    kinds = [np.nan_to_num(each) for each in (memory.anonymous_bytes, memory.file_bytes, memory.kernel_bytes)]
    charged = np.nan_to_num(memory.cgroup_bytes)
    other = np.maximum(charged - np.sum(kinds, axis=0), 0.0)
    worth = bool((other > _OTHER_SHARE_MIN * np.maximum(charged, 1.0)).any())
    return [*kinds, other if worth else np.zeros(charged.size)], worth


def _stretches(trial: TrialRecord, axis: Axis) -> list[NDArray[np.int64]]:
    """Return the places of the samples to draw, stretch by stretch: no area joins two incarnations, or spans a gap."""
    memory = trial.memory
    found: list[NDArray[np.int64]] = []
    for incarnation in np.unique(memory.incarnation):
        mine = np.flatnonzero((memory.incarnation == incarnation) & np.isfinite(memory.anonymous_bytes))
        for _, part in split_at_gaps(axis.place(trial.phases, memory.t_s[mine]), mine.astype(np.float64)):
            places = part.astype(np.int64)
            kept = [
                extremes_of(np.nan_to_num(each[places])) for each in (memory.cgroup_bytes, memory.working_set_bytes)
            ]
            found.append(places[np.union1d(*kept)])
    return found


def _draw_kills(ax: Axes, run: RunRecord, trial: TrialRecord, axis: Axis) -> None:
    """Draw a line where something was killed at the limit, and say whether it was the first process."""
    label = {True: "first process killed", False: "another process killed"}
    shown: set[bool] = set()
    for kill in kills_of(trial, run.manifest):
        first = kill.killed.first_process
        x = axis.place_one(trial.phases, kill.killed.t_s)
        look = "-" if first else "--"
        name = None if first in shown else label[first]
        shown.add(first)
        ax.axvline(x, color=style.VERMILLION, linewidth=1.2, linestyle=look, label=name, zorder=4)


def _draw_bound(ax: Axes, value_bytes: float, text: str, colour: str) -> None:
    """Draw a limit or a budget, with its name at the right end."""
    ax.axhline(value_bytes / MIB, color=colour, linewidth=1.1, linestyle=(0, (6, 3)), zorder=4)
    ax.annotate(
        text,
        (1.0, value_bytes / MIB),
        xycoords=ax.get_yaxis_transform(),
        xytext=(-3, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        zorder=5,
    )
