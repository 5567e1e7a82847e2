"""Derives from a record the facts that several readers need, each in its one definition.

A memory limit, an OOM kill, the worker's memory at rest and at its peak, and how a size is written: checkers, reports
and the gate call these and count nothing again. Pure functions of record values; none of them judges. What was not
measured is None or NaN, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from harness.record import MIB, EndedBy, KillScope, OomKill

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.record.messages import ConnectionSeen
    from harness.record.runs import Manifest
    from harness.record.trial import TrialRecord
    from harness.record.worker import Incarnation, MemorySeries

SIGKILL_STATUS = 137  # 128 + 9, as a shell shows it: proves SIGKILL and no more
AT_THE_LIMIT = 0.99  # of the limit: the kernel charges in batches, so its mark at a kill may lie a little below
HEARTBEAT_S_MAX = 600.0  # the longest in use: what clients are told to ask for where a message takes minutes
END_WINDOW_S = 2.0  # of the record's last samples: the worker at rest
_TOGETHER_S = 1.5  # a parent that waits for its child ends this soon after it; a poll of the supervisor's lies between
_WHOLE_MIB_FROM = 10  # below it one decimal is worth reading, above it the decimal is noise


def mib(size_bytes: float) -> str:
    """Return bytes for people: ``3000 MiB``, with one decimal below 10 MiB."""
    value = size_bytes / MIB
    return f"{value:.0f} MiB" if abs(value) >= _WHOLE_MIB_FROM else f"{value:.1f} MiB"


def limit_bytes(trial: TrialRecord, manifest: Manifest) -> int:
    """Return the memory limit of a trial: as it was enforced, else as the run asked for it. It is never 0."""
    return trial.limit.limit_bytes if trial.limit is not None else manifest.limit_bytes


def restarts(trial: TrialRecord) -> int:
    """Return how often the supervisor started the worker again."""
    return max(0, len(trial.incarnations) - 1)


def oom_kills(incarnation: Incarnation, limit_bytes: int, peak_at_least: float = AT_THE_LIMIT) -> tuple[OomKill, ...]:
    """Return the kernel's OOM kills in an incarnation, of any process, each by all three witnesses.

    The cgroup's own count rose; its high-water mark reached the limit, so that it was this limit; and a process was
    seen to have gone, or the first one ended with 137. ``doubtful_kill`` says which of them is lacking.
    """
    if incarnation.oom_kill_delta <= 0 or (incarnation.peak_cgroup_bytes or 0) < peak_at_least * limit_bytes:
        return ()
    return tuple(kill for kill in counted_kills(incarnation) if _was_seen(kill, incarnation))


def oom_kill_count(trial: TrialRecord, limit_bytes: int, peak_at_least: float = AT_THE_LIMIT) -> int:
    """Return how many OOM kills a trial had: of processes, or of containers where the limit takes the whole one."""
    each = [len(oom_kills(incarnation, limit_bytes, peak_at_least)) for incarnation in trial.incarnations]
    whole = trial.limit is not None and trial.limit.kills is KillScope.CONTAINER
    return sum(min(kills, 1) if whole else kills for kills in each)


def counted_kills(incarnation: Incarnation) -> tuple[OomKill, ...]:
    """Return what the kernel's count tells of: the kills on record, else the first process's by its end with 137."""
    if incarnation.kills or incarnation.oom_kill_delta <= 0 or incarnation.exit_status != SIGKILL_STATUS:
        return incarnation.kills
    ended_s = incarnation.started_s if incarnation.ended_s is None else incarnation.ended_s
    return (OomKill(ended_s, incarnation.pid, None, first_process=True),)


def doubtful_kill(incarnation: Incarnation, limit_bytes: int, peak_at_least: float = AT_THE_LIMIT) -> str | None:
    """Say which witness is lacking where something points to an OOM kill and not everything does; None elsewhere."""
    name = f"incarnation {incarnation.index}"
    if incarnation.oom_kill_delta <= 0:
        if incarnation.exit_status != SIGKILL_STATUS:
            return None
        return f"{name} ended with 137, but the kernel's oom_kill count stood still: something else sent SIGKILL"
    if incarnation.peak_cgroup_bytes is None:
        return f"the kernel counted an OOM kill in {name}, but its high-water mark was never read"
    if incarnation.peak_cgroup_bytes < peak_at_least * limit_bytes:
        mark = mib(incarnation.peak_cgroup_bytes)
        return (
            f"a process of {name} was OOM-killed at a peak of {mark}: the limit that killed it is not the one on record"
        )
    unseen = incarnation.oom_kill_delta - len(oom_kills(incarnation, limit_bytes, peak_at_least))
    if unseen > 0:
        return f"the kernel counted {unseen} OOM kills more in {name} than processes were seen to have gone"
    return None


def _was_seen(kill: OomKill, incarnation: Incarnation) -> bool:
    return incarnation.exit_status == SIGKILL_STATUS if kill.first_process else kill.pid is not None


def victim(kill: OomKill, incarnation: Incarnation) -> str:
    """Return who was killed and what became of the worker's first process: ``process 71 (python), and …``."""
    if kill.first_process:
        return f"the worker's first process (pid {kill.pid or incarnation.pid})"
    who = "a process that nobody saw go" if kill.pid is None else f"process {kill.pid}"
    command = f" ({kill.command})" if kill.command else ""
    ended_s = incarnation.ended_s
    if ended_s is None or incarnation.ended_by == EndedBy.HARNESS or ended_s - kill.t_s > _TOGETHER_S:
        return f"{who}{command}, and the worker's first process lived on"
    status = incarnation.exit_status
    return f"{who}{command}, and the worker's first process ended with it, exit status {status}"


def unscaled_heartbeats(trial: TrialRecord, manifest: Manifest) -> tuple[ConnectionSeen, ...]:
    """Return the connections whose heartbeat was negotiated and not scaled: in incident time it is longer than any use.

    A heartbeat of 60 s, the broker's own suggestion, is 20 minutes of an incident that is replayed at ×20; scaled it
    would be 3 s.
    """
    if manifest.time_scale <= 1:
        return ()
    return tuple(seen for seen in trial.connections if seen.heartbeat_s * manifest.time_scale > HEARTBEAT_S_MAX)


def own_bytes_at_rest(memory: MemorySeries, from_s: float, to_s: float) -> float | None:
    """Return the worker's own memory in a stretch in which it rests: the median of its samples; None without one."""
    inside = memory.own_bytes[(memory.t_s >= from_s) & (memory.t_s <= to_s)]
    inside = inside[~np.isnan(inside)]
    return float(np.median(inside)) if inside.size else None


def own_bytes_at_the_end(trial: TrialRecord) -> float | None:
    """Return the worker's own memory at rest in the last ``END_WINDOW_S`` on record; None without a sample."""
    if not trial.memory.t_s.size:
        return None
    last_s = float(trial.memory.t_s[-1])
    return own_bytes_at_rest(trial.memory, last_s - END_WINDOW_S, last_s)


class MemoryKind(StrEnum):
    """Which memory a size speaks of."""

    WORKING_SET = "working_set"  # charged to the cgroup, less the file pages that the kernel drops first
    ANONYMOUS = "anonymous"
    RSS = "rss"  # resident sets
    CGROUP = "cgroup"  # all that is charged, droppable file pages included


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest that one kind of memory was in one incarnation: for sure, and at most.

    The kernel keeps a high-water mark of the cgroup's total alone; every other kind is sampled, and may have been
    higher between two samples by what ``oversight_bytes`` says. Both are the same where nothing can have been missed.
    """

    incarnation: int
    kind: MemoryKind  # that was measured: resident sets, where there is no cgroup
    low_bytes: float
    high_bytes: float  # infinite: the incarnation has no final mark, or none was read


def peak(trial: TrialRecord, incarnation: Incarnation, kind: MemoryKind = MemoryKind.WORKING_SET) -> Peak:
    """Return the peak of one kind of memory in one incarnation."""
    mark, resident = incarnation.peak_cgroup_bytes, incarnation.peak_rss_bytes
    if mark is None and kind is not MemoryKind.RSS:
        kind = MemoryKind.RSS  # no cgroup: the only memory that was measured
    final = incarnation.ended_s is not None
    if kind is MemoryKind.RSS:
        sampled = _highest(trial.memory.rss_bytes[trial.memory.incarnation == incarnation.index])
        low = max(float(resident or 0), sampled)
        return Peak(incarnation.index, kind, low, low if final and resident is not None else np.inf)
    if kind is MemoryKind.CGROUP:
        return Peak(incarnation.index, kind, float(mark or 0), float(mark or 0) if final else np.inf)
    low = sampled_peak_bytes(trial, incarnation, kind)
    if kind is MemoryKind.WORKING_SET and incarnation.oom_kill_delta > 0:
        low = float(mark or 0)  # who is killed at the limit has nothing left that the kernel could drop
    if not final:
        return Peak(incarnation.index, kind, low, np.inf)
    # What was never sampled is bounded by all that was ever charged.
    high = min(float(mark or 0), low + oversight_bytes(trial, incarnation)) if low > 0 else float(mark or 0)
    return Peak(incarnation.index, kind, low, max(low, high))


def sampled_peak_bytes(trial: TrialRecord, incarnation: Incarnation, kind: MemoryKind) -> float:
    """Return the highest sample of one kind of memory in one incarnation; 0 where it was never sampled."""
    return _highest(of_kind(trial.memory, kind)[trial.memory.incarnation == incarnation.index])


def oversight_bytes(trial: TrialRecord, incarnation: Incarnation) -> float:
    """Return how much higher than every sample an incarnation's memory may have been: what sampling can have missed.

    By how far the kernel's mark lies above the highest usage sampled, or the first process's above the highest resident
    set sampled: at the limit usage stands still while memory takes the place of file pages.
    """
    mine = trial.memory.incarnation == incarnation.index
    by_mark = (incarnation.peak_cgroup_bytes or 0) - _highest(trial.memory.cgroup_bytes[mine])
    by_resident = (incarnation.peak_rss_bytes or 0) - _highest(trial.memory.rss_bytes[mine])
    return max(0.0, by_mark, by_resident)


def of_kind(memory: MemorySeries, kind: MemoryKind) -> NDArray[np.float64]:
    """Return the samples of one kind of memory."""
    return {
        MemoryKind.WORKING_SET: memory.working_set_bytes,
        MemoryKind.ANONYMOUS: memory.anonymous_bytes,
        MemoryKind.RSS: memory.rss_bytes,
        MemoryKind.CGROUP: memory.cgroup_bytes,
    }[kind]


def highest_peak(trial: TrialRecord, kind: MemoryKind = MemoryKind.WORKING_SET) -> Peak | None:
    """Return the highest peak of all incarnations; None where the worker was never started or nothing was read."""
    peaks = [peak(trial, incarnation, kind) for incarnation in trial.incarnations]
    found = max(peaks, key=lambda each: each.low_bytes, default=None)
    return found if found is not None and found.low_bytes > 0 else None


def _highest(samples: NDArray[np.float64]) -> float:
    known = samples[~np.isnan(samples)]
    return float(known.max()) if known.size else 0.0
