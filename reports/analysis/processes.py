"""Sums up the samples of the worker's process tree: each process once, its highest sizes, and whether it was killed.

Used by ``reports.tables.worker`` and ``reports.analysis.postmortem``. Processes are sampled once a second, so one that
lived shorter may never have been seen; one that the OOM killer took is listed all the same.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.analysis.kills import kills_of

if TYPE_CHECKING:
    from harness.record import Manifest, ProcessSample, TrialRecord

_SAMPLED_EVERY_S = 1.0
_STILL_SEEN_S = 2 * _SAMPLED_EVERY_S  # before an incarnation's end: a process seen this late ended with it


@dataclass(frozen=True, slots=True)
class Process:
    """One process of one incarnation. None is what was not recorded."""

    incarnation: int
    pid: int | None
    parent: int | None
    command: str | None
    started_s: float | None
    ended_s: float | None  # of a killed one its kill, else its last sample; None: it was there to the incarnation's end
    peak_rss_bytes: int | None
    peak_pss_bytes: int | None
    first: bool  # the one that the supervisor started
    killed: bool  # at the memory limit


def processes_of(trial: TrialRecord, manifest: Manifest) -> tuple[Process, ...]:
    """Return the processes of a trial: each incarnation's first one, then the killed ones, then the largest."""
    sampled: defaultdict[tuple[int, int], list[ProcessSample]] = defaultdict(list)
    for sample in trial.processes:
        sampled[sample.incarnation, sample.pid].append(sample)
    killed_s = {(kill.incarnation.index, kill.killed.pid): kill.killed.t_s for kill in kills_of(trial, manifest)}
    firsts = {(incarnation.index, incarnation.pid) for incarnation in trial.incarnations}
    found = [_process(trial, samples, killed_s.get(key), first=key in firsts) for key, samples in sampled.items()]
    found += [
        Process(
            incarnation=kill.incarnation.index,
            pid=kill.killed.pid,
            parent=None,
            command=kill.killed.command,
            started_s=None,
            ended_s=kill.killed.t_s,
            peak_rss_bytes=None,
            peak_pss_bytes=None,
            first=kill.killed.first_process,
            killed=True,
        )
        for kill in kills_of(trial, manifest)
        if sampled and (kill.incarnation.index, kill.killed.pid) not in sampled
    ]
    return tuple(sorted(found, key=lambda each: (each.incarnation, not each.first, not each.killed, -_size(each))))


def at(trial: TrialRecord, incarnation: int, t_s: float) -> tuple[ProcessSample, ...]:
    """Return the last sample of each process that was there shortly before ``t_s``, the largest first."""
    last: dict[int, ProcessSample] = {}
    for sample in trial.processes:
        if sample.incarnation == incarnation and t_s - _STILL_SEEN_S <= sample.t_s <= t_s:
            last[sample.pid] = sample
    return tuple(sorted(last.values(), key=lambda sample: -sample.rss_bytes))


def _process(trial: TrialRecord, samples: list[ProcessSample], killed_s: float | None, *, first: bool) -> Process:
    newest = samples[-1]
    shares = [sample.pss_bytes for sample in samples if sample.pss_bytes is not None]
    end_s = next((each.ended_s for each in trial.incarnations if each.index == newest.incarnation), None)
    stayed = end_s is None or newest.t_s >= end_s - _STILL_SEEN_S
    return Process(
        incarnation=newest.incarnation,
        pid=newest.pid,
        parent=newest.parent,
        command=newest.command,
        started_s=newest.started_s,
        ended_s=killed_s if killed_s is not None else None if stayed else newest.t_s,
        peak_rss_bytes=max(sample.rss_bytes for sample in samples),
        peak_pss_bytes=max(shares) if shares else None,
        first=first,
        killed=killed_s is not None,
    )


def _size(process: Process) -> int:
    return process.peak_rss_bytes or 0
