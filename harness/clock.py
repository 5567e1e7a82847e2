"""Incident time ↔ replay time.

Incident time is what the clock on the wall showed on 2026-01-01, in seconds since midnight. Replay time is real seconds
since a trial began. Used by the checkers, the reports and whoever shows a time to people. The mapping is what
*happened*, not what was planned: it is built from the phases as they were entered. Pure; no waiting here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record import PhaseSpan

_DAY_S = 86_400
_ROUNDING_S = 1e-6  # there and back through the scale costs the last digits


def format_time_of_day(tod_s: float) -> str:
    """Return seconds since midnight as ``HH:MM:SS``, rounded down."""
    whole = math.floor(tod_s) % _DAY_S
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def incident_time(phases: Sequence[PhaseSpan], t_s: float) -> float:
    """Return the incident time of day, in seconds, at replay time ``t_s``.

    Inside a phase time runs at the phase's own scale, and never past the next phase's beginning; before the first and
    after the last phase their scales go on. Raises ValueError without phases: then no incident time exists.
    """
    if not phases:
        raise ValueError("no phase was entered, so there is no incident time")
    current = phases[0]
    for phase in phases:
        if phase.start_s <= t_s:
            current = phase
    tod_s = current.from_tod_s + (t_s - current.start_s) * current.scale
    is_last = current is phases[-1]
    return tod_s if is_last else min(tod_s, current.to_tod_s)


def replay_time(phases: Sequence[PhaseSpan], tod_s: float) -> float | None:
    """Return the replay time at which incident time first reached ``tod_s``; None when it never did.

    A phase that ended early was left for the next one's beginning: what it did not play was reached at that moment. The
    last phase has no next one: what it did not play was never reached; its own end is, where it was played to the end.
    """
    for phase in phases:
        is_last = phase is phases[-1]
        ends_tod_s = phase.to_tod_s + _ROUNDING_S if is_last else phase.to_tod_s
        if phase.from_tod_s <= tod_s < ends_tod_s:
            t_s = phase.start_s + (tod_s - phase.from_tod_s) / phase.scale
            is_cut_off = is_last and t_s > phase.end_s + _ROUNDING_S
            return None if is_cut_off else min(t_s, phase.end_s)
    return None
