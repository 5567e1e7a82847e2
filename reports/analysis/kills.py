"""Lists what the memory limit killed: the kernel's OOM kills of any process, and the kills of an emulated limit.

Used by every room that draws or words a kill. What counts as an OOM kill is ``harness.record.facts``' to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.record import EndedBy, OomKill
from harness.record.facts import doubtful_kill, limit_bytes, oom_kill_count, oom_kills

if TYPE_CHECKING:
    from harness.record import Incarnation, Manifest, TrialRecord


@dataclass(frozen=True, slots=True)
class Kill:
    """One process that the memory limit killed, and the incarnation in which it was."""

    incarnation: Incarnation
    killed: OomKill
    emulated: bool  # a watchdog sent the signal, not the kernel


def kills_of(trial: TrialRecord, manifest: Manifest) -> tuple[Kill, ...]:
    """Return the kills of all incarnations of a trial, in order of time."""
    return tuple(kill for incarnation in trial.incarnations for kill in kills_in(incarnation, trial, manifest))


def kill_count(trial: TrialRecord, manifest: Manifest) -> int:
    """Return how many kills a trial had: of processes, or of containers where the limit takes the whole container."""
    emulated = sum(incarnation.ended_by is EndedBy.WATCHDOG for incarnation in trial.incarnations)
    return emulated or oom_kill_count(trial, limit_bytes(trial, manifest))


def kills_in(incarnation: Incarnation, trial: TrialRecord, manifest: Manifest) -> tuple[Kill, ...]:
    """Return the kills of one incarnation of ``trial``."""
    if incarnation.ended_by is EndedBy.WATCHDOG:
        ended_s = incarnation.started_s if incarnation.ended_s is None else incarnation.ended_s
        return (Kill(incarnation, OomKill(ended_s, incarnation.pid, None, first_process=True), emulated=True),)
    found = oom_kills(incarnation, limit_bytes(trial, manifest))
    return tuple(Kill(incarnation, each, emulated=False) for each in found)


def killed_incarnations(trial: TrialRecord, manifest: Manifest) -> tuple[Incarnation, ...]:
    """Return the incarnations in which something was killed at the memory limit, or may have been."""
    return tuple(
        incarnation
        for incarnation in trial.incarnations
        if kills_in(incarnation, trial, manifest) or doubt_of(incarnation, trial, manifest)
    )


def doubt_of(incarnation: Incarnation, trial: TrialRecord, manifest: Manifest) -> str | None:
    """Say what is in doubt of a kill that the kernel counted, or of a SIGKILL of unknown origin; None elsewhere."""
    if incarnation.oom_kill_delta or incarnation.ended_by is EndedBy.UNKNOWN_SIGKILL:
        return doubtful_kill(incarnation, limit_bytes(trial, manifest))
    return None
