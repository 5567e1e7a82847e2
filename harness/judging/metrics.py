"""The figures of a run, as plain numbers by name: for trend tools, baselines and comparisons.

Used by ``judge``. Pure; a figure is a measurement, never a verdict.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.checkers.memory.fidelity import typical_factor
from harness.checkers.memory.growth import growth
from harness.checkers.memory.hung_calls import peak_bytes as peak_of_hung_calls
from harness.checkers.progress.throughput import finished_per_s
from harness.ledger import OutcomeKind, account_of
from harness.record import MIB, facts
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
    limit_bytes = facts.limit_bytes(trial, run.manifest)
    charged = [incarnation.peak_bytes for incarnation in trial.incarnations if incarnation.peak_bytes]
    peak = facts.highest_peak(trial)
    resident = [incarnation.peak_rss_bytes for incarnation in trial.incarnations if incarnation.peak_rss_bytes]
    final, grown = facts.own_bytes_at_the_end(trial), growth(trial)
    hanging = hanging_phases(scenario)
    hung = peak_of_hung_calls(trial)
    account = account_of(trial)
    budget = scenario.arms[trial.arm].expect.memory_budget if trial.arm in scenario.arms else None
    return {
        "budget_mib": budget.peak_at_most / MIB if budget else None,
        "peak_mib": peak.low_bytes / MIB if peak else None,
        "peak_cgroup_mib": max(charged) / MIB if charged else None,
        "peak_rss_mib": max(resident) / MIB if resident else None,
        "growth_mib_per_1000": grown.per_1000_bytes / MIB if grown else None,
        "hung_calls_peak_mib": hung / MIB if hung is not None else None,
        "final_mib": final / MIB if final is not None else None,
        "oom_kills": float(facts.oom_kill_count(trial, limit_bytes)),
        "restarts": float(facts.restarts(trial)),
        "finished_while_hanging_per_s": finished_per_s(trial, hanging, run.manifest.time_scale),
        "burst_to_first_kill_s": burst_to_first_kill_s(trial, scenario, limit_bytes),
        "minute_table_factor": typical_factor(trial, run.manifest.reported_points),
        # An unsound ledger proves nothing, and a count of nothing lost would look like a proof.
        "lost": None if account.unsound else float(len(account.of(OutcomeKind.LOST))),
        "duplicated": None if account.unsound else float(len(account.duplicated)),
        "confirmed": float(sum(publish.confirmed_s is not None for publish in trial.publishes)),
    }


def hanging_phases(scenario: Scenario) -> tuple[str, ...]:
    """Return the names of the phases throughout which no call of the dependency is answered: every call meets a fault.

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


def burst_to_first_kill_s(trial: TrialRecord, scenario: Scenario, limit_bytes: int) -> float | None:
    """Return real seconds from the burst's first message to the first OOM kill after it; None without either."""
    bursts = [phase.phase for phase in scenario.timeline if isinstance(phase.arrivals, Burst)]
    start_s = next((span.start_s for span in trial.phases if span.name in bursts), None)
    if start_s is None:
        return None
    kills_s = sorted(kill.t_s for each in trial.incarnations for kill in facts.oom_kills(each, limit_bytes))
    return next((kill_s - start_s for kill_s in kills_s if kill_s >= start_s), None)
