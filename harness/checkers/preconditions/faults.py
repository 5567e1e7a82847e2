"""Did every fault of the timeline come, take effect and heal, and did the dependency's faults meet calls?

By the events of each fault, and by the dependency's journal. A phase's rules for the dependency leave the same events
as any fault. One that was not requested, was never seen in force, was not healed, or met no call makes every other
verdict worthless: unknown, never fail, since the worker is not to blame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check, MadeOf
from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.checkers.case import Case, PlannedPhase
    from harness.record import CheckResult, FaultSpan, PhaseSpan, TrialRecord

REFUSE = "refuse"  # a shut port journals no call: its event is the evidence
_NOT_MET_BY_CHANCE = 0.05
_REASONS_SHOWN_MAX = 10  # a flapping link has dozens of pulses; ten are enough to see what went wrong


def check(case: Case) -> CheckResult:
    """Every phase was played, and every fault came, took effect and healed; those of the dependency met a call."""
    threshold = "every phase played; every fault in force, healed, and met by a call where it is the dependency's"
    spans = {span.key: span for span in case.trial.faults}
    missing = [reason for fault in case.faults if (reason := _occurrence(fault.fault, fault.key, spans))]
    acted = len(case.faults) - len(missing)
    for phase in case.phases:
        met, lacking = _of_phase(case.trial, phase, spans)
        acted += met
        missing += lacking
    measured = f"{acted} faults acted" + (f"; {missing[0]}" if missing else "")
    verdict = Verdict.UNKNOWN if missing else Verdict.PASS
    return case.result(CHECK.name, verdict, measured, threshold, "; ".join(missing[1:_REASONS_SHOWN_MAX]))


def _occurrence(fault: str, key: str, spans: Mapping[str, FaultSpan], *, heals: bool = True) -> str | None:
    """Say what one occurrence lacks of coming, taking effect and healing; None where it lacks nothing."""
    name, span = f"{fault} ({key})", spans.get(key)
    if span is None:
        return f"{name} was never requested: its phase ended before"
    if span.failure:
        return f"{name} {span.failure}"
    if span.in_force_s is None or span.in_force_s < span.requested_s:
        return f"{name} was requested and never seen in force"
    if heals and (span.healed_s is None or span.healed_s < span.in_force_s):
        return f"{name} was in force and never seen healed"
    return None


def _of_phase(trial: TrialRecord, phase: PlannedPhase, spans: Mapping[str, FaultSpan]) -> tuple[int, list[str]]:
    """Return how many of the dependency's faults acted in a phase, and what is lacking, each said in a clause."""
    played = next((span for span in trial.phases if span.name == phase.name), None)
    if played is None:
        return 0, [f"the phase {phase.name} was never played"]
    if not phase.faulty_shares:
        return 0, []
    # Rules are replaced by the next ones rather than healed.
    if (reason := _occurrence("the dependency's rules", phase.rules, spans, heals=False)) is not None:
        return 0, [reason]
    seen = _modes_during(trial, played) | {REFUSE}
    calls = sum(played.start_s <= call.arrived_s < played.end_s for call in trial.calls)
    unmet = sorted(mode for mode, share in phase.faulty_shares.items() if mode not in seen and _is_due(share, calls))
    met = len(phase.faulty_shares.keys() & seen)
    return met, [f"{mode} met no call during {phase.name}" for mode in unmet]


def _is_due(share: float, calls: int) -> bool:
    """Return whether a mode with that share of the calls had to be met: a rule of 0.1 % and ten calls prove nothing."""
    return (1 - share) ** max(1, calls) < _NOT_MET_BY_CHANCE


def _modes_during(trial: TrialRecord, span: PhaseSpan) -> set[str]:
    """Return the modes of the calls that were open at some moment of the phase."""
    return {
        call.mode
        for call in trial.calls
        if call.arrived_s < span.end_s and (call.duration_s is None or call.arrived_s + call.duration_s > span.start_s)
    }


CHECK = Check("faults took effect", check, made_of=MadeOf.EVERY)
