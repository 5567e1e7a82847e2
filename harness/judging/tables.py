"""The report's two tables, measured: the before/after table of its section 5 and the minute table of its section 1.

Every cell that the report promised stands beside what this run measured; the scenario names the measure that answers
each row. Used by ``judge``. Pure; a cell is no verdict, and one that can't be computed says so instead of costing it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.memory.fidelity import memory_at
from harness.checkers.progress.throughput import finished_per_s
from harness.clock import replay_time
from harness.judging.metrics import hanging_phases
from harness.ledger import EXTRACT_FACTS
from harness.record import MetricRow, MinuteRow
from harness.record.facts import mib, oom_kill_count, own_bytes_at_the_end

if TYPE_CHECKING:
    from collections.abc import Callable

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
        return _MEASURES[name](trial, scenario) or NOT_MEASURED
    except Exception as error:  # noqa: BLE001 - whatever a measure trips over, the verdict beside it must stand
        return f"{NOT_MEASURED} ({type(error).__name__}: {error})"


def _longest_call(trial: TrialRecord, scenario: Scenario) -> str | None:
    """Return the longest call of the memory API, in incident seconds: how long a thread was really blocked."""
    spent = [call.duration_s for call in trial.calls if call.path == EXTRACT_FACTS and call.duration_s is not None]
    return f"longest call {max(spent) * scenario.time_scale:.0f} s" if spent else None


def _calls_cut_off(trial: TrialRecord, scenario: Scenario) -> str | None:
    """Return how long the worker waited before it hung up, in incident seconds.

    A call that ended with its worker was not cut off by a timeout.
    """
    deaths_s = [incarnation.ended_s for incarnation in trial.incarnations if incarnation.ended_s is not None]
    cut = [
        call.duration_s
        for call in trial.calls
        if call.path == EXTRACT_FACTS and call.outcome == "client_gone" and call.duration_s is not None
        if not any(abs(call.arrived_s + call.duration_s - death_s) < _AROUND_S for death_s in deaths_s)
    ]
    if not trial.calls:
        return None
    return f"cut off after {max(cut) * scenario.time_scale:.0f} s" if cut else "never reached: the 500 came first"


def _llm_calls(trial: TrialRecord, scenario: Scenario) -> str | None:
    del scenario
    return f"{sum(call.path != EXTRACT_FACTS for call in trial.calls)} calls" if trial.calls else None


def _retry(trial: TrialRecord, scenario: Scenario) -> str | None:
    del scenario
    if not trial.queue:
        return None
    scheduled = sum(row.status == "FAILED" and row.next_attempt_at is not None for row in trial.outcomes)
    return f"{trial.queue[-1].redelivered} redeliveries, {scheduled} retries scheduled"


def _retries_max(trial: TrialRecord, scenario: Scenario) -> str | None:
    del scenario
    attempts = [call.attempt for call in trial.calls if call.path == EXTRACT_FACTS]
    return f"at most {max(attempts)} calls for one message" if attempts else None


def _throughput(trial: TrialRecord, scenario: Scenario) -> str | None:
    rate = finished_per_s(trial, hanging_phases(scenario), scenario.time_scale)
    return f"{rate:.3f} msg/s while hanging" if rate is not None else None


def _spike(trial: TrialRecord, scenario: Scenario) -> str | None:
    limit_bytes = trial.limit.limit_bytes if trial.limit else scenario.memory_limit
    peaks = [incarnation.peak_bytes for incarnation in trial.incarnations]
    kills = oom_kill_count(trial, limit_bytes)
    return f"peak {mib(max(peaks))}, {kills} kills" if peaks else None


def _executor_queue(trial: TrialRecord, scenario: Scenario) -> str | None:
    del scenario
    return f"at most {max(gauge.executor_queue for gauge in trial.gauges)} waiting" if trial.gauges else None


def _clean_up(trial: TrialRecord, scenario: Scenario) -> str | None:
    """Return what is left of the peak once everything is drained."""
    del scenario
    final = own_bytes_at_the_end(trial)
    peaks = [incarnation.peak_bytes for incarnation in trial.incarnations]
    return f"{mib(final)} left at the end, of {mib(max(peaks))}" if final is not None and peaks else None


_MEASURES: dict[str, Callable[[TrialRecord, Scenario], str | None]] = {
    "memory_api_timeout": _calls_cut_off,
    "llm_calls": _llm_calls,
    "blocking_time": _longest_call,
    "retry": _retry,
    "memory_cleanup": _clean_up,
    "throughput": _throughput,
    "spike": _spike,
    "retries": _retries_max,
    "executor_queue": _executor_queue,
}
