"""The faults of a trial by their fault events, and how a chart shows them.

A hatched band for as long as each was in force.

Used by ``reports.panel_charts`` and ``reports.arm_tables``. Faults of pika-mem0's rules are no bands: the chart of the
calls shows what they did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import chart_style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from harness.record import TrialRecord
    from reports.chart_style import Shape
    from reports.timeline import Axis

_LEAST_SHARE = 0.002  # of the axis: a fault that is over at once still shows


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """One application of one fault. ``entry`` is the same for all that one line of the scenario asked for."""

    entry: str
    fault: str
    settings: str
    start_s: float
    end_s: float | None  # when it was seen healed
    took_effect: bool
    seen: str
    failure: str  # what went wrong, where something did


def fault_spans(trial: TrialRecord) -> tuple[FaultSpan, ...]:
    """Return the applications in the order in which they were asked for.

    Fault events that lack their key are left out.
    """
    by_kind: dict[str, dict[str, tuple[float, dict[str, str]]]] = {}
    for event in trial.events:
        if "key" in event.data and event.kind.startswith("fault_"):
            data = {name: str(value) for name, value in event.data.items()}
            by_kind.setdefault(event.kind, {})[data["key"]] = (event.t_s, data)
    in_force, healed = by_kind.get("fault_in_force", {}), by_kind.get("fault_healed", {})
    failed = by_kind.get("fault_failed", {})
    spans = []
    for key, (asked_s, asked) in by_kind.get("fault_requested", {}).items():
        failure = failed[key][1] if key in failed else {}
        spans.append(
            FaultSpan(
                entry=key.rpartition(".")[0],
                fault=asked.get("fault", ""),
                settings=asked.get("settings", ""),
                start_s=asked_s,
                end_s=healed[key][0] if key in healed else None,
                took_effect=key in in_force,
                seen=in_force[key][1].get("seen", "") if key in in_force else "",
                failure=f"{failure.get('what')}: {failure.get('why')}" if failure else "",
            )
        )
    return tuple(spans)


def draw_faults(ax: Axes, axis: Axis, trial: TrialRecord, shape: Shape) -> None:
    """Draw a band for each fault that took effect, and name it once at the panel's top."""
    named: set[str] = set()
    least = (axis.end_x - axis.start_x) * _LEAST_SHARE
    for span in fault_spans(trial):
        if not span.took_effect:
            continue
        low_x = axis.place_one(trial.phases, span.start_s)
        high_x = axis.end_x if span.end_s is None else axis.place_one(trial.phases, span.end_s)
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
