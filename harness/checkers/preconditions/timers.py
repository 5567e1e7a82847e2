"""Does the verdict rest on a timer that was not scaled? The AMQP heartbeat is the one that can be seen.

A fault that silences a connection for longer than its heartbeat would have ended the connection in production. A replay
is faster; a heartbeat that was not divided by its scale notices nothing, so what the worker does then proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check, MadeOf
from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.case import Case
    from harness.record import CheckResult, FaultSpan, PhaseSpan

_REASONS_SHOWN_MAX = 5  # a frozen worker may be frozen dozens of times; a few are enough to see what rests on what


def check(case: Case) -> CheckResult:
    """No fault silences a connection for longer than a heartbeat that was negotiated in real time."""
    threshold = "no fault outlasts a heartbeat in incident time that it does not outlast in the replay"
    heartbeats_s = sorted({seen.heartbeat_s for seen in case.trial.connections if seen.heartbeat_s > 0})
    silent = {fault.key for fault in case.faults if fault.silences}
    spans = [span for span in case.trial.faults if span.key in silent]
    measured = "heartbeat " + (", ".join(f"{each:g} s" for each in heartbeats_s) or "none") + " of real time"
    if not case.trial.phases:
        return case.result(CHECK.name, Verdict.UNKNOWN, "no phase was played", threshold)
    if not spans:
        return case.result(CHECK.name, Verdict.PASS, f"{measured}; no fault silences a connection", threshold)
    if not case.trial.connections:
        detail = "The broker was never asked for the worker's connections: the heartbeat is not known."
        return case.result(CHECK.name, Verdict.UNKNOWN, "no connection was seen", threshold, detail)
    reasons = [reason for span in spans for reason in _reasons(span, case.trial.phases, heartbeats_s)]
    if not reasons:
        return case.result(CHECK.name, Verdict.PASS, f"{measured}; no fault rests on it", threshold)
    detail = "; ".join(reasons[:_REASONS_SHOWN_MAX]) + ". Name the heartbeat in timers, so that it is scaled."
    return case.result(CHECK.name, Verdict.UNKNOWN, f"{measured}, not scaled", threshold, detail)


def _reasons(span: FaultSpan, phases: tuple[PhaseSpan, ...], heartbeats_s: list[float]) -> Iterator[str]:
    """Yield a clause for each heartbeat that would have noticed the fault in production and did not here."""
    if span.in_force_s is None or span.healed_s is None:
        return
    scale = next((phase.scale for phase in phases if phase.start_s <= span.in_force_s < phase.end_s), 1.0)
    real_s = span.healed_s - span.in_force_s
    for heartbeat_s in heartbeats_s:
        if real_s <= heartbeat_s < real_s * scale:
            yield (
                f"{span.fault} ({span.key}) silenced the connection for {real_s * scale:.0f} s of incident time: in"
                f" production a heartbeat of {heartbeat_s:g} s may have ended it, here it could not"
            )


CHECK = Check("timers scaled", check, made_of=MadeOf.EVERY)
