"""What answers each row of the incident report's before/after table: one function of a trial and its scenario each.

``MEASURES`` is asked by ``harness.judging.tables``; a scenario's ``reported.metrics`` name them. A function returns a
cell of the table, or None where the trial can't say. Pure.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.checkers.progress.throughput import finished_per_s
from harness.judging.metrics import hanging_phases
from harness.record.facts import mib, oom_kill_count, own_bytes_at_the_end

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.record import TrialRecord
    from harness.scenario import Scenario

_AROUND_S = 0.5  # a call that ends so near its worker's end was ended by that


def _longest_call(trial: TrialRecord, scenario: Scenario) -> str | None:
    """Return the longest call of the memory API, in incident seconds: how long a thread was really blocked."""
    spent = [call.duration_s for call in trial.calls if call.primary and call.duration_s is not None]
    return f"longest call {max(spent) * scenario.time_scale:.0f} s" if spent else None


def _calls_cut_off(trial: TrialRecord, scenario: Scenario) -> str | None:
    """Return how long the worker waited before it hung up, in incident seconds.

    A call that ended with its worker was not cut off by a timeout.
    """
    deaths_s = [incarnation.ended_s for incarnation in trial.incarnations if incarnation.ended_s is not None]
    cut = [
        call.duration_s
        for call in trial.calls
        if call.primary and call.outcome == "client_gone" and call.duration_s is not None
        if not any(abs(call.arrived_s + call.duration_s - death_s) < _AROUND_S for death_s in deaths_s)
    ]
    if not trial.calls:
        return None
    return f"cut off after {max(cut) * scenario.time_scale:.0f} s" if cut else "never reached: the 500 came first"


def _llm_calls(trial: TrialRecord, scenario: Scenario) -> str | None:
    del scenario
    return f"{sum(not call.primary for call in trial.calls)} calls" if trial.calls else None


def _retry(trial: TrialRecord, scenario: Scenario) -> str | None:
    del scenario
    if not trial.queue:
        return None
    scheduled = sum(row.status == "FAILED" and row.next_attempt_at is not None for row in trial.outcomes)
    return f"{trial.queue[-1].redelivered} redeliveries, {scheduled} retries scheduled"


def _retries_max(trial: TrialRecord, scenario: Scenario) -> str | None:
    del scenario
    attempts = [call.attempt for call in trial.calls if call.primary]
    return f"at most {max(attempts)} calls for one message" if attempts else None


def _throughput(trial: TrialRecord, scenario: Scenario) -> str | None:
    rate = finished_per_s(trial, hanging_phases(scenario), scenario.time_scale)
    return f"{rate:.3f} msg/s while hanging" if rate is not None else None


def _spike(trial: TrialRecord, scenario: Scenario) -> str | None:
    limit_bytes = trial.limit.limit_bytes if trial.limit else scenario.limit_bytes
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


MEASURES: Mapping[str, Callable[[TrialRecord, Scenario], str | None]] = MappingProxyType(
    {
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
)
