"""The report's two tables, measured: the before/after table of its section 5 and the minute table of its section 1.

Every cell that the report promised stands beside what this run measured; the scenario names the measure of its incident
that answers each row. Used by ``judge``. Pure; a cell is no verdict, and one that can't be computed says so instead of
costing it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.memory.fidelity import memory_at
from harness.clock import replay_time
from harness.incidents import measures_of
from harness.record import MetricRow, MinuteRow
from harness.record.facts import mib

if TYPE_CHECKING:
    from harness.record import RunRecord, TrialRecord
    from harness.scenario import Scenario

NOT_MEASURED = "not measured"
_AROUND_S = 0.5


def metric_rows(run: RunRecord, scenario: Scenario) -> tuple[MetricRow, ...]:
    """Return the before/after table: on one side the arms of role ``before``, on the other all others."""
    before = [name for name, arm in scenario.arms.items() if arm.role == "before"]
    after = [name for name in scenario.arms if name not in before]
    return tuple(
        MetricRow(
            metric=row.metric,
            reported_before=row.before,
            measured_before={name: _measure(row.measure, run.trial(name), scenario) for name in before},
            reported_after=row.after,
            measured_after={name: _measure(row.measure, run.trial(name), scenario) for name in after},
        )
        for row in scenario.reported.metrics
    )


def minute_rows(run: RunRecord, scenario: Scenario) -> tuple[MinuteRow, ...]:
    """Return the minute table, measured on the first arm of role ``before``."""
    before = next((run.trial(name) for name, arm in scenario.arms.items() if arm.role == "before"), None)
    rows: list[MinuteRow] = []
    for point in scenario.reported.points:
        low, high = point.memory_min, point.memory_max
        measured = memory_at(before, point.at) if before else None
        rows.append(
            MinuteRow(
                tod_s=point.at,
                reported_memory=mib(low) if low == high else f"{mib(low)} – {mib(high)}",
                measured_memory=NOT_MEASURED if measured is None else mib(measured),
                reported_queue=point.queue,
                measured_queue=_queue_at(before, point.at) if before else NOT_MEASURED,
            )
        )
    return tuple(rows)


def _queue_at(trial: TrialRecord, tod_s: float) -> str:
    t_s = replay_time(trial.phases, tod_s)
    near = [gauge for gauge in trial.gauges if t_s is not None and abs(gauge.t_s - t_s) <= _AROUND_S]
    if not near or t_s is None:
        return NOT_MEASURED
    gauge = min(near, key=lambda gauge: abs(gauge.t_s - t_s))
    return f"{gauge.executor_queue} waiting, {gauge.in_flight} in flight"


def _measure(name: str, trial: TrialRecord | None, scenario: Scenario) -> str:
    if trial is None:
        return NOT_MEASURED
    try:
        return measures_of(scenario.incident)[name](trial, scenario) or NOT_MEASURED
    except Exception as error:  # noqa: BLE001 - whatever a measure trips over, the verdict beside it must stand
        return f"{NOT_MEASURED} ({type(error).__name__}: {error})"
