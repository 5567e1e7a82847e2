"""Words values: durations, counts, times, exit statuses, limits. A size is worded by ``harness.record.facts.mib``.

Used by every renderer, so that a value reads the same in each of them. Knows nothing of HTML, Markdown or a terminal.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from harness.clock import format_time_of_day, incident_time
from harness.record import MIB, EndedBy, KillScope
from harness.record.facts import mib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record import Incarnation, Limit, PhaseSpan

_WHOLE_S_FROM = 100
WORTH_A_ROW_BYTES = MIB // 20  # what ``mib`` would word as 0.0 MiB is left out of a table of many
_SIGNAL_BASE = 128  # how a shell shows a death by signal

NOT_RECORDED = "not recorded"
ENDED_BY = {
    EndedBy.KERNEL: "the kernel's OOM killer",
    EndedBy.WATCHDOG: "the watchdog (emulated limit)",
    EndedBy.SUPERVISOR: "the supervisor, after another process of the container was OOM-killed",
    EndedBy.HARNESS: "the harness",
    EndedBy.ITSELF: "itself",
    EndedBy.FAULT: "a signal of the scenario's",
    EndedBy.UNKNOWN_SIGKILL: "an unknown SIGKILL",
    EndedBy.UNKNOWN: "an unknown cause",
}


def seconds(duration_s: float) -> str:
    """Return seconds as ``4.2 s``, whole from 100 s on."""
    return f"{duration_s:.0f} s" if abs(duration_s) >= _WHOLE_S_FROM else f"{duration_s:.1f} s"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 incarnation`` or ``3 incarnations``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def some_of(names: Sequence[str], at_most: int) -> str:
    """Return ``a, b, c and 7 more``."""
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")


def scale(time_scale: float) -> str:
    """Return a time scale as ``×20``: incident seconds per replay second."""
    return f"×{time_scale:g}"


def moment(phases: Sequence[PhaseSpan], t_s: float) -> str:
    """Return replay time as incident time ``11:42:04``; without phases as ``+12.3 s`` since the trial's start."""
    return format_time_of_day(incident_time(phases, t_s)) if phases else f"+{t_s:.1f} s"


def short_time(tod_s: float) -> str:
    """Return ``11:42`` for a whole minute, else ``11:42:04``: a tick's label."""
    text = format_time_of_day(tod_s)
    return text.removesuffix(":00")


def exit_status(incarnation: Incarnation) -> str:
    """Return ``137 (SIGKILL)``, ``0``, or what is known instead."""
    if incarnation.ended_s is None:
        return "still alive"
    if incarnation.exit_status is None:
        return NOT_RECORDED
    if incarnation.exit_status > _SIGNAL_BASE:
        try:
            return f"{incarnation.exit_status} ({signal.Signals(incarnation.exit_status - _SIGNAL_BASE).name})"
        except ValueError:
            pass
    return str(incarnation.exit_status)


def ended_by(incarnation: Incarnation) -> str:
    """Return who ended the incarnation, in words."""
    if incarnation.ended_s is None:
        return "not ended: alive when the record ends"
    return ENDED_BY[incarnation.ended_by]


def optional_mib(size_bytes: int | None) -> str:
    """Return a size that may not have been read."""
    return NOT_RECORDED if size_bytes is None else mib(size_bytes)


def enforcement(limit: Limit | None) -> str:
    """Say in a sentence how a memory limit was enforced; an emulated one is named as such."""
    if limit is None:
        return "How the memory limit was enforced was not recorded, so no kill in this arm counts as a kernel OOM kill."
    if limit.emulated:
        return (
            f"EMULATED by a {limit.kind}: it samples the worker's memory and sends SIGKILL above "
            f"{mib(limit.limit_bytes)}. No kill in this arm is a kernel OOM kill."
        )
    scope = ""
    if limit.kills is KillScope.CONTAINER:
        scope = " A kill takes the whole container"
        scope += "; the supervisor ends what the kernel leaves." if limit.scope_emulated else "."
    return f"Enforced by the kernel: {limit.kind}, {mib(limit.limit_bytes)}.{scope}"
