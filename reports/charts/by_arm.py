"""Draws the charts with one panel an arm: queues, load, and the calls of the dependency; faults are hatched bands.

Used by ``reports.charts.all_charts``. All panels of a chart share the time axis and, where the unit is the same, its
height.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from reports.analysis.series import keep_extremes, split_at_gaps
from reports.charts import style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from harness.record import DependencyCall, RunRecord, TrialRecord
    from reports.analysis.time_axis import Axis
    from reports.charts.style import Shape

_CALL_BINS = {"": 90, "-narrow": 40}  # by shape: bars still wide enough to see their colour
_COUNT_BUCKETS = 150  # a count only rises: it has no peak to lose
_KINDS_MAX = 6  # as many as there are colours; the rest is one more kind
_OTHER = "other"
_BAND_SHARE_MIN = 0.002  # of the axis: a fault that is over at once still shows
_PANEL_HEIGHT = 0.5  # of a memory chart's: these are read for their shape
_CALL_COLOURS = (style.SKY, style.VERMILLION, style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.MUTED)


def draw_queues(run: RunRecord, axis: Axis, shape: Shape) -> Figure:
    """Return messages waiting: in the work queue, unacknowledged, in other queues, in the worker's executor queue."""

    def draw(ax: Axes, trial: TrialRecord) -> None:
        _line(ax, axis, trial, ((s.t_s, s.ready) for s in trial.queue), ("ready in the work queue", style.SKY, "-"))
        _line(ax, axis, trial, ((s.t_s, s.unacked) for s in trial.queue), ("unacknowledged", style.ORANGE, "-"))
        if any(sample.waiting_elsewhere for sample in trial.queue):
            elsewhere = ((s.t_s, s.waiting_elsewhere) for s in trial.queue)
            _line(ax, axis, trial, elsewhere, ("still moving in other queues", style.GREEN, "-."))
        gauges = ((gauge.t_s, gauge.executor_queue) for gauge in trial.gauges)
        _line(ax, axis, trial, gauges, ("in the worker's executor queue", style.PURPLE, "--"))

    return _by_arm(run, axis, shape, "messages", draw)


def draw_load(run: RunRecord, axis: Axis, shape: Shape) -> Figure:
    """Return messages so far: as the schedule intended them, and as the broker confirmed them."""

    def draw(ax: Axes, trial: TrialRecord) -> None:
        intended = sorted(publish.intended_s for publish in trial.publishes)
        confirmed = sorted(publish.confirmed_s for publish in trial.publishes if publish.confirmed_s is not None)
        _count(ax, axis, trial, intended, ("offered by the schedule", style.INK, (0, (4, 2))))
        _count(ax, axis, trial, confirmed, ("confirmed by the broker", style.BLUE, "-"))

    return _by_arm(run, axis, shape, "messages so far", draw)


def draw_calls(run: RunRecord, axis: Axis, shape: Shape) -> Figure:
    """Return calls of the dependency by the time they arrived, stacked by mode and by how they ended."""
    kinds = _kinds(call for trial in run.trials for call in trial.calls)
    edges = np.linspace(axis.start_x, axis.end_x, _CALL_BINS[shape.suffix] + 1)

    def draw(ax: Axes, trial: TrialRecord) -> None:
        floor = np.zeros(edges.size - 1)
        for colour, kind in zip(_CALL_COLOURS, kinds, strict=False):
            arrived = [
                call.arrived_s for call in trial.calls if (_kind(call) if _kind(call) in kinds else _OTHER) == kind
            ]
            heights, _ = np.histogram(axis.place(trial.phases, np.array(arrived, dtype=np.float64)), edges)
            rates = heights / np.diff(edges)
            ax.stairs(floor + rates, edges, baseline=floor, fill=True, color=colour, linewidth=0, label=kind)
            floor = floor + rates

    return _by_arm(run, axis, shape, "calls per replay second", draw)


def _by_arm(run: RunRecord, axis: Axis, shape: Shape, unit: str, draw: Callable[[Axes, TrialRecord], None]) -> Figure:
    """Return a figure with one panel an arm, all of one height and one time axis; the key stands above the first."""
    figure, axes = style.panels(shape, len(run.trials), _PANEL_HEIGHT)
    for ax, trial in zip(axes, run.trials, strict=True):
        draw(ax, trial)
        ax.set_ylabel(unit, fontsize=shape.small_pt, color=style.INK)
    top = max([1.0, *(ax.get_ylim()[1] for ax in axes)])
    for ax in axes:
        ax.set_ylim(0, top * 1.12)
        style.time_axis(ax, axis, shape, names=ax is axes[0])
    for ax, trial in zip(axes, run.trials, strict=True):
        _draw_faults(ax, axis, trial, shape)
        style.name_panel(ax, trial.arm, shape)
    style.legend(figure, max(axes, key=lambda ax: len(ax.get_legend_handles_labels()[0])), shape)
    return figure


def _line(
    ax: Axes, axis: Axis, trial: TrialRecord, points: Iterable[tuple[float, float]], look: tuple[str, str, str]
) -> None:
    """Draw one gauge over time."""
    label, colour, dash = look
    array = np.array(list(points), dtype=np.float64).reshape(-1, 2)
    shown: str | None = label
    for part_x, part_y in split_at_gaps(axis.place(trial.phases, array[:, 0]), array[:, 1]):
        x, y = keep_extremes(part_x, part_y)
        ax.plot(x, y, color=colour, linestyle=dash, linewidth=1.5, label=shown)
        shown = None


def _count(
    ax: Axes,
    axis: Axis,
    trial: TrialRecord,
    moments_s: list[float],
    look: tuple[str, str, str | tuple[int, tuple[int, int]]],
) -> None:
    """Draw how many of ``moments_s``, sorted, had passed at each time."""
    label, colour, dash = look
    if moments_s:
        x, y = keep_extremes(
            axis.place(trial.phases, np.array(moments_s, dtype=np.float64)),
            np.arange(1.0, len(moments_s) + 1),
            _COUNT_BUCKETS,
        )
        ax.plot(x, y, color=colour, linestyle=dash, linewidth=1.5, label=label)


def _kind(call: DependencyCall) -> str:
    """Return the mode that a call met and how it ended: ``hang_then_500 → client_gone``."""
    return f"{call.mode} → {call.outcome}"


def _kinds(calls: Iterable[DependencyCall]) -> list[str]:
    """Return the kinds that get a colour of their own, by name, and ``other`` when there are more."""
    frequent = Counter(_kind(call) for call in calls)
    if len(frequent) <= _KINDS_MAX:
        return sorted(frequent)
    ranked = sorted(frequent, key=lambda kind: (-frequent[kind], kind))
    return [*sorted(ranked[:_KINDS_MAX]), _OTHER]


def _draw_faults(ax: Axes, axis: Axis, trial: TrialRecord, shape: Shape) -> None:
    """Draw a band for each fault that took effect, and name it once at the panel's top.

    A phase's own rules for the dependency get none: the chart of the calls shows what they did.
    """
    named: set[str] = set()
    least = (axis.end_x - axis.start_x) * _BAND_SHARE_MIN
    for span in trial.faults:
        if span.in_force_s is None or span.is_phase_rules:
            continue
        low_x = axis.place_one(trial.phases, span.requested_s)
        high_x = axis.end_x if span.healed_s is None else axis.place_one(trial.phases, span.healed_s)
        ax.axvspan(low_x, max(high_x, low_x + least), facecolor="none", edgecolor=style.MUTED, hatch="///", linewidth=0)
        if span.entry not in named:
            named.add(span.entry)
            ax.annotate(
                span.fault.replace("_", " "),
                (low_x, 0.93),
                xycoords=ax.get_xaxis_transform(),
                xytext=(3, 0),
                textcoords="offset points",
                fontsize=shape.small_pt,
                color=style.INK,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )
