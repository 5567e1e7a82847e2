"""Draws the history: peak and throughput of each series over its runs, with the steps marked.

Used by ``harness history``. The steps are found elsewhere and passed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from reports.charts import style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from harness.record.history import HistoryRow

_WIDTH_IN, _PANEL_IN = 11.0, 3.2
_LABELS_MAX = 40  # commits whose labels fit below one axis


def render_history(series: Mapping[str, tuple[Sequence[HistoryRow], Sequence[int], Sequence[int]]]) -> bytes:
    """Return a PNG. ``series`` gives for each name its rows, and where its peak and its throughput step."""
    with style.settings():
        figure = Figure(figsize=(_WIDTH_IN, _PANEL_IN * 2 * max(1, len(series))), layout="constrained")
        axes = figure.subplots(2 * max(1, len(series)), 1, squeeze=False)[:, 0]
        for number, (name, (rows, peak_steps, rate_steps)) in enumerate(series.items()):
            _draw(axes[2 * number], f"{name}: peak, MiB", rows, [row.peak_mib for row in rows], peak_steps)
            rates = [row.throughput_per_s for row in rows]
            _draw(axes[2 * number + 1], f"{name}: throughput, messages/s", rows, rates, rate_steps)
        return style.to_png(figure)


def _draw(
    axis: Axes, title: str, rows: Sequence[HistoryRow], values: Sequence[float | None], steps: Sequence[int]
) -> None:
    axis.set_title(title, loc="left", fontsize=style.WIDE.font_pt)
    points = [(number, value) for number, value in enumerate(values) if value is not None]
    places, heights = [number for number, _ in points], [figure for _, figure in points]
    axis.plot(places, heights, color=style.BLUE, marker="o", markersize=3.5, linewidth=1)
    for step in steps:
        axis.axvline(step - 0.5, color=style.VERMILLION, linestyle="--", linewidth=1)
        axis.annotate("step", (step - 0.5, 1.0), xycoords=("data", "axes fraction"), fontsize=style.WIDE.small_pt)
    every = max(1, len(rows) // _LABELS_MAX + 1)
    shown = range(0, len(rows), every)
    labels = [rows[number].commit[:7] + ("+" if rows[number].dirty else "") for number in shown]
    axis.set_xticks(list(shown), labels, rotation=60, fontsize=style.WIDE.small_pt)
    axis.set_xlim(-0.5, max(0.5, len(rows) - 0.5))
    axis.set_ylim(bottom=0)
    axis.grid(visible=True, axis="y", color=style.FAINT, linewidth=0.6)
