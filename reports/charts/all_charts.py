"""Renders all charts of a run, as bytes by file name.

Pure; ``harness.commands`` writes them, ``reports.pages.html_page`` takes them in. Each chart is drawn by a module of
its own, in the style of ``reports.charts.style``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import MIB
from reports.analysis.time_axis import align
from reports.charts import style
from reports.charts.by_arm import draw_calls, draw_load, draw_queues
from reports.charts.memory import draw_before_kill, draw_memory, kill_window
from reports.charts.memory_kinds import draw_memory_kinds, has_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    from harness.record import Judgement, RunRecord
    from reports.charts.style import Shape

# A metric of the judgement with this ending is drawn as the arm's budget: "fixed.budget_mib" → a line at that height.
BUDGET_METRIC = ".budget_mib"


def render_charts(run: RunRecord, judgement: Judgement | None = None) -> dict[str, bytes]:
    """Return each chart as ``NAME.png``, ``NAME.svg`` and, drawn for a narrow page, ``NAME-narrow.svg``.

    A chart whose data the run does not hold is left out, so a partial run has fewer charts; a run without trials has
    none. ``judgement`` gives the budget lines. The same run gives the same bytes.
    """
    metrics = judgement.metrics if judgement else {}
    budgets_bytes = {
        name.removesuffix(BUDGET_METRIC): value * MIB for name, value in metrics.items() if name.endswith(BUDGET_METRIC)
    }
    charts: dict[str, bytes] = {}
    for name, draw in _drawings(run, budgets_bytes).items():
        for shape in style.SHAPES:
            with style.settings():
                figure = draw(shape)
                charts[f"{name}{shape.suffix}.svg"] = style.to_svg(figure)
                if shape is style.WIDE:
                    charts[f"{name}.png"] = style.to_png(figure)
    return charts


def chart_names(run: RunRecord) -> tuple[str, ...]:
    """Return the names of the charts that ``render_charts`` gives for a run, without drawing them."""
    return tuple(_drawings(run, {}))


def _drawings(run: RunRecord, budgets_bytes: Mapping[str, float]) -> dict[str, Callable[[Shape], Figure]]:
    """Return how to draw each chart that the run holds data for."""
    axis = align(run.trials)
    drawings: dict[str, Callable[[Shape], Figure]] = {}
    if any(trial.memory.t_s.size for trial in run.trials):
        drawings["memory"] = lambda shape: draw_memory(run, budgets_bytes, axis, shape)
        if window := kill_window(run, axis):
            drawings["memory-before-kill"] = lambda shape: draw_before_kill(run, budgets_bytes, axis, shape, window)
    if any(has_kinds(trial) for trial in run.trials):
        drawings["memory-kinds"] = lambda shape: draw_memory_kinds(run, budgets_bytes, axis, shape)
    if any(trial.queue or trial.gauges for trial in run.trials):
        drawings["queues"] = lambda shape: draw_queues(run, axis, shape)
    if any(trial.publishes for trial in run.trials):
        drawings["load"] = lambda shape: draw_load(run, axis, shape)
    if any(trial.calls for trial in run.trials):
        drawings["calls"] = lambda shape: draw_calls(run, axis, shape)
    return drawings
