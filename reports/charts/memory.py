"""Draws the memory of all arms in one chart: the curves, the kills, and the points of the incident report.

Used by ``reports.charts.all_charts``. A curve is the worker's own memory: the working set where a cgroup measured it,
else the resident sets. ``reports.charts.memory_kinds`` draws what it was made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.record import MIB
from harness.record.facts import mib
from reports.analysis.kills import kills_of
from reports.analysis.series import keep_extremes, split_at_gaps
from reports.charts import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from harness.record import RunRecord, TrialRecord
    from reports.analysis.time_axis import Axis
    from reports.charts.style import Shape

Window = tuple[float, float]  # two places of the axis

_HEADROOM = 1.08  # above the highest value: room for the limit's name


def draw_memory(run: RunRecord, budgets_bytes: Mapping[str, float], axis: Axis, shape: Shape) -> Figure:
    """Return memory in MiB over the whole replay, all arms. ``budgets_bytes`` is by arm."""
    return _draw(run, budgets_bytes, axis, shape, (axis.start_x, axis.end_x))


def draw_before_kill(
    run: RunRecord, budgets_bytes: Mapping[str, float], axis: Axis, shape: Shape, window: Window
) -> Figure:
    """Return the same chart, only the stretch between two places of the axis."""
    return _draw(run, budgets_bytes, axis, shape, window, detail=True)


def kill_window(run: RunRecord, axis: Axis) -> Window | None:
    """Return the stretch of the axis from the report's first point to just after the first kill.

    None when nothing was killed, and when that stretch is most of the axis: the whole chart shows it as well.
    """
    kills_x = [
        axis.place_one(trial.phases, kill.killed.t_s) for trial in run.trials for kill in kills_of(trial, run.manifest)
    ]
    if not kills_x:
        return None
    reported = [axis.place_time_of_day(point.tod_s) for point in run.manifest.reported_points]
    known = [x for x in reported if x is not None]
    low_x = min(known, default=kills_x[0] - (axis.end_x - axis.start_x) / 8)
    high_x = max([kills_x[0], *known])
    margin = (high_x - low_x) * 0.08
    window = (max(low_x - margin, axis.start_x), min(high_x + margin, axis.end_x))
    return window if 0 < window[1] - window[0] < 0.7 * (axis.end_x - axis.start_x) else None


def _draw(
    run: RunRecord,
    budgets_bytes: Mapping[str, float],
    axis: Axis,
    shape: Shape,
    window: Window,
    *,
    detail: bool = False,
) -> Figure:
    """Return the chart of the stretch ``window``; ``detail`` writes the report's figures beside their marks."""
    figure, (ax,) = style.panels(shape, 1)
    colours = style.arm_colours(run.trials)
    highest: float = _draw_lines(ax, run.trials, budgets_bytes, run.manifest.limit_bytes, colours)
    for trial in run.trials:
        highest = max(highest, _draw_series(ax, trial, axis, colours[trial.arm]))
        highest = max(highest, _draw_incarnations(ax, run, trial, axis, window, colours[trial.arm][0]))
    highest = max(highest, _draw_reported(ax, run, axis, window, detail=detail))
    _key(ax, run)
    ax.set_ylim(0, max(highest / MIB, 1) * _HEADROOM)
    ax.set_ylabel("memory, MiB", fontsize=shape.small_pt, color=style.INK)
    for text in ax.texts:
        text.set_fontsize(shape.small_pt)
    style.legend(figure, ax, shape)
    style.time_axis(ax, axis, shape, window)
    return figure


def _draw_lines(
    ax: Axes,
    trials: Sequence[TrialRecord],
    budgets_bytes: Mapping[str, float],
    limit_bytes: int,
    colours: Mapping[str, tuple[str, str]],
) -> float:
    """Draw the limits and the budgets; return the highest, in bytes."""
    limits = sorted({trial.limit.limit_bytes for trial in trials if trial.limit} or {limit_bytes})
    for limit in limits:
        ax.axhline(limit / MIB, color=style.INK, linewidth=1.1, linestyle=(0, (6, 3)), zorder=2)
        _name_line(ax, limit, f"limit {mib(limit)}", style.INK, "left")
    for arm, value in budgets_bytes.items():
        if arm in colours:
            ax.axhline(value / MIB, color=colours[arm][0], linewidth=1.1, linestyle=(0, (1, 2)), zorder=2)
            _name_line(ax, value, f"budget of {arm} {mib(value)}", colours[arm][0], "right")
    return max([*limits, *budgets_bytes.values()])


def _name_line(ax: Axes, value_bytes: float, text: str, colour: str, side: Literal["left", "right"]) -> None:
    """Write a line's name on it: a limit's at the left, where curves are low, a budget's at the right, where flat."""
    ax.annotate(
        text,
        (0.0 if side == "left" else 1.0, value_bytes / MIB),
        xycoords=ax.get_yaxis_transform(),
        xytext=(3 if side == "left" else -3, 2),
        textcoords="offset points",
        ha=side,
        va="bottom",
        color=colour,
        zorder=5,
    )


def _draw_series(ax: Axes, trial: TrialRecord, axis: Axis, colour_and_dash: tuple[str, str]) -> float:
    """Draw one arm's samples, incarnation by incarnation: no line joins a dead worker to its successor.

    Return the highest, in bytes.
    """
    colour, dash = colour_and_dash
    series, values = trial.memory, trial.memory.own_bytes / MIB
    x = axis.place(trial.phases, series.t_s)
    label: str | None = trial.arm
    for incarnation in np.unique(series.incarnation):
        own = series.incarnation == incarnation
        for part_x, part_y in split_at_gaps(x[own], values[own]):
            thin_x, thin_y = keep_extremes(part_x, part_y)
            ax.plot(thin_x, thin_y, color=colour, linestyle=dash, linewidth=1.5, label=label, zorder=3)
            label = None
    return float(np.nanmax(series.own_bytes, initial=0.0))


def _draw_incarnations(ax: Axes, run: RunRecord, trial: TrialRecord, axis: Axis, window: Window, colour: str) -> float:
    """Mark kills at the incarnation's own high-water mark, and restarts at the floor; return the highest, in bytes."""
    highest = 0.0
    for kill in kills_of(trial, run.manifest):
        x = axis.place_one(trial.phases, kill.killed.t_s)
        highest = max(highest, float(kill.incarnation.peak_bytes))
        if window[0] <= x <= window[1]:
            ax.axvline(x, color=colour, linewidth=0.8, alpha=0.45, zorder=2)
            _mark(ax, (x, kill.incarnation.peak_bytes / MIB), "X", 9, colour)
    for incarnation in trial.incarnations:
        if incarnation.index > 0:
            x = axis.place_one(trial.phases, incarnation.started_s)
            if window[0] <= x <= window[1]:
                _mark(ax, (x, 0), "^", 7, colour)
    return highest


def _mark(ax: Axes, at: tuple[float, float], marker: str, size: float, colour: str) -> None:
    """Put one mark, whole even where it stands on the frame."""
    ax.plot(
        [at[0]], [at[1]], marker=marker, markersize=size, color=colour, mec="white", mew=0.7, clip_on=False, zorder=6
    )


def _draw_reported(ax: Axes, run: RunRecord, axis: Axis, window: Window, *, detail: bool) -> float:
    """Draw the report's points as ranges; return the highest end, in bytes."""
    highest = 0.0
    for point in run.manifest.reported_points:
        x = axis.place_time_of_day(point.tod_s)
        if x is None or not window[0] <= x <= window[1]:
            continue
        low, high = point.memory_low_bytes / MIB, point.memory_high_bytes / MIB
        highest = max(highest, point.memory_high_bytes)
        ax.plot([x, x], [low, high], color=style.INK, linewidth=2.2, solid_capstyle="butt", zorder=4)
        ends = {low, high}
        ax.plot(
            [x] * len(ends),
            sorted(ends),
            linestyle="none",
            marker="_",
            markersize=8,
            mew=1.8,
            color=style.INK,
            zorder=4,
        )
        if detail:
            ax.annotate(
                _range(point.memory_low_bytes, point.memory_high_bytes),
                (x, (low + high) / 2),
                xytext=(7, 1),
                textcoords="offset points",
                ha="left",
                va="bottom",
                color=style.INK,
                zorder=5,
            )
    return highest


def _range(low_bytes: float, high_bytes: float) -> str:
    """Return ``400`` or ``2500–3000``, in MiB."""
    low, high = f"{low_bytes / MIB:.0f}", f"{high_bytes / MIB:.0f}"
    return low if low == high else f"{low}–{high}"


def _key(ax: Axes, run: RunRecord) -> None:
    """Add the marks to the legend that the lines do not explain, those that the run has."""
    if any(kills_of(trial, run.manifest) for trial in run.trials):
        ax.plot([], [], linestyle="none", marker="X", color=style.MUTED, markersize=7, label="killed, at its peak")
    if any(len(trial.incarnations) > 1 for trial in run.trials):
        ax.plot([], [], linestyle="none", marker="^", color=style.MUTED, markersize=6, label="restarted")
    if run.manifest.reported_points:
        ax.plot([], [], color=style.INK, linewidth=2.2, label="the report's figures")
