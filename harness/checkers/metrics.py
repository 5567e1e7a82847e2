"""The figures of a run, as plain numbers by name: for trend tools, baselines and comparisons.

Used by ``judge``. Pure; a figure is a measurement, never a verdict.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.checkers.fidelity import typical_factor
from harness.checkers.healthy_again import final_bytes
from harness.checkers.hung_calls import peak_bytes as peak_of_hung_calls
from harness.checkers.memory_growth import growth
from harness.checkers.oom import is_oom_kill
from harness.checkers.throughput import finished_per_s
from harness.ledger import OutcomeKind, account_of
from harness.record import MIB
from harness.scenario import Burst

if TYPE_CHECKING:
    from harness.record import RunRecord, TrialRecord
    from harness.scenario import Scenario


def figures(run: RunRecord, scenario: Scenario) -> dict[str, float]:
    """Return ``{"<arm>.<figure>": value}``, finite numbers; a figure that could not be measured is left out."""
    found: dict[str, float] = {}
    for trial in run.trials:
        for name, value in _figures_of(trial, run, scenario).items():
            if value is not None and math.isfinite(value):
                found[f"{trial.arm}.{name}"] = round(value, 4)
    return found


def _figures_of(trial: TrialRecord, run: RunRecord, scenario: Scenario) -> dict[str, float | None]:
    limit_bytes = trial.limit.limit_bytes if trial.limit else run.manifest.limit_bytes
    peaks = [incarnation.peak_bytes for incarnation in trial.incarnations if incarnation.peak_bytes]
    resident = [incarnation.peak_rss_bytes for incarnation in trial.incarnations if incarnation.peak_rss_bytes]
    final, grown = final_bytes(trial), growth(trial)
    hanging = hanging_phases(scenario)
    hung = peak_of_hung_calls(trial)
    account = account_of(trial)
    budget = scenario.arms[trial.arm].expect.memory_budget if trial.arm in scenario.arms else None
    return {
        "budget_mib": budget.peak_at_most / MIB if budget else None,
        "peak_mib": max(peaks) / MIB if peaks else None,
        "peak_rss_mib": max(resident) / MIB if resident else None,
        "growth_mib_per_1000": grown.per_1000_bytes / MIB if grown else None,
        "hung_calls_peak_mib": hung / MIB if hung is not None else None,
        "final_mib": final / MIB if final is not None else None,
        "oom_kills": float(sum(is_oom_kill(incarnation, limit_bytes) for incarnation in trial.incarnations)),
        "restarts": float(max(0, len(trial.incarnations) - 1)),
        "finished_while_hanging_per_s": finished_per_s(trial, hanging, run.manifest.time_scale),
        "burst_to_first_kill_s": burst_to_first_kill_s(trial, scenario),
        "minute_table_factor": typical_factor(trial, run.manifest.reported_points),
        # An unsound ledger proves nothing, and a count of nothing lost would look like a proof.
        "lost": None if account.unsound else float(len(account.of(OutcomeKind.LOST))),
        "duplicated": None if account.unsound else float(len(account.duplicated)),
        "confirmed": float(sum(publish.confirmed_s is not None for publish in trial.publishes)),
    }


def hanging_phases(scenario: Scenario) -> tuple[str, ...]:
    """Return the names of the phases throughout which no call of pika-mem0 is answered: every call meets a fault.

    The first of them is left out where others follow: calls that were accepted before it are still answered in it.
    """
    names: list[str] = []
    hanging = False
    for phase in scenario.timeline:
        if phase.dependency is not None:
            hanging = phase.dependency.answers_nobody
        if hanging:
            names.append(phase.phase)
    return tuple(names[1:] or names)


def burst_to_first_kill_s(trial: TrialRecord, scenario: Scenario) -> float | None:
    """Return real seconds from the burst's first message to the first OOM kill after it; None without either."""
    bursts = [phase.phase for phase in scenario.timeline if isinstance(phase.arrivals, Burst)]
    start_s = next((span.start_s for span in trial.phases if span.name in bursts), None)
    if start_s is None:
        return None
    limit_bytes = trial.limit.limit_bytes if trial.limit else 0
    deaths_s = [
        incarnation.ended_s
        for incarnation in trial.incarnations
        if is_oom_kill(incarnation, limit_bytes) and incarnation.ended_s is not None
    ]
    return next((death_s - start_s for death_s in deaths_s if death_s >= start_s), None)
