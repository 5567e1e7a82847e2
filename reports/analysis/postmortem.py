"""Puts together the last seconds before a kill or an end of the worker, from what was recorded inside and outside it.

``harness postmortem`` uses it; ``reports.text.postmortem`` words it. Pure: a function of the stored record. It says
what was seen, and where a value was not recorded it says that; it judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from harness.record.facts import SIGKILL_STATUS, victim
from reports import wording
from reports.analysis.kills import doubt_of, kills_in
from reports.analysis.processes import at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.record import Incarnation, MemorySeries, OomKill, ProcessSample, RunRecord, TrialRecord
    from harness.record.flight import Flight, FlightSample, StackGroup

WINDOW_S = 30.0
_GROWTH_SPANS_S = (30.0, 10.0, 3.0)
_GROWTH_SAMPLES_MIN = 5
_NOTICED_S = 1.0  # at most, from the kernel's kill to the rise of its count being seen
_BASELINE_S = 5.0  # a worker that has connected and has not been given much yet

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Row:
    """One moment. None: not recorded."""

    before_end_s: float  # real seconds
    clock: str  # incident time
    rss_bytes: int | None = None
    cgroup_bytes: int | None = None
    executor_queue: int | None = None
    in_flight: int | None = None
    oldest_call_s: float | None = None  # as timeouts count: real seconds by the scenario's time_scale
    bodies: int | None = None
    bodies_bytes: int | None = None
    exceptions: int | None = None
    gc_count: tuple[int, ...] = ()
    full_collections: int | None = None
    broker_ready: int | None = None
    broker_unacked: int | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """Something that held memory at the last sample from inside."""

    what: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Postmortem:
    """The end of one incarnation, or the kill of one of its processes while the first one lived on."""

    arm: str
    incarnations: int  # that the arm's worker had
    incarnation: Incarnation
    killed: OomKill | None  # at the memory limit; None where nothing was, or where it is in doubt
    killed_who: str  # in words; "" where nothing was killed
    emulated: bool  # a watchdog sent the kill
    doubt: str | None  # which witness of an OOM kill is lacking
    moment: str  # the incident time of that kill, else of the incarnation's end
    ended: str  # the incident time of the incarnation's end
    rows: tuple[Row, ...]  # the oldest first; the last is the last sample of all
    growth: tuple[tuple[float, float], ...]  # (over the last … s, bytes per second), real seconds
    memory: tuple[tuple[str, int], ...]  # the last sample, by kind
    holdings: tuple[Holding, ...]
    heap: tuple[Holding, ...]  # of the same incarnation of the repeat under memray, where there is one
    processes: tuple[ProcessSample, ...]  # shortly before that moment, the largest first
    stacks: tuple[StackGroup, ...]
    stacks_before_end_s: float | None
    inside_before_end_s: float | None  # the last sample of the worker's own recorder
    outside_before_end_s: float | None  # the last sample of the harness's probe
    notes: tuple[str, ...]


def postmortem(run: RunRecord, trial: TrialRecord, incarnation: Incarnation, flight: Flight) -> Postmortem:
    """Return the last ``WINDOW_S`` seconds of ``incarnation``, one of ``trial``, one of ``run``.

    Where a process was killed and the first one lived on, they are the seconds before that kill.
    """
    mine = trial.memory.incarnation == incarnation.index
    outside_t_s, outside_rss = trial.memory.t_s[mine], trial.memory.rss_bytes[mine]
    kills = kills_in(incarnation, trial, run.manifest)
    kill = next((each for each in kills if each.killed.first_process), kills[0] if kills else None)
    end_s = ended_s = _end_s(incarnation, outside_t_s.tolist(), flight)
    if kill is not None and not kill.killed.first_process:
        end_s = _before_the_drop(trial.memory, incarnation, kill.killed.t_s)
    outside_t_s, outside_rss = outside_t_s[outside_t_s <= end_s], outside_rss[outside_t_s <= end_s]
    samples = [_scaled(sample, run.manifest.time_scale) for sample in flight.samples if sample.t_s <= end_s]
    last = samples[-1] if samples else None
    stacks = _last(flight.stacks, end_s)
    return Postmortem(
        arm=trial.arm,
        incarnations=len(trial.incarnations),
        incarnation=incarnation,
        killed=None if kill is None else kill.killed,
        killed_who="" if kill is None else victim(kill.killed, incarnation),
        emulated=kill is not None and kill.emulated,
        doubt=doubt_of(incarnation, trial, run.manifest),
        moment=wording.moment(trial.phases, end_s),
        ended=wording.moment(trial.phases, ended_s),
        rows=_rows(trial, incarnation, samples, end_s),
        growth=_growth(outside_t_s, outside_rss, end_s),
        memory=tuple(last.memory.items()) if last else (),
        holdings=_holdings(samples),
        heap=_heap(run, trial, incarnation),
        processes=at(trial, incarnation.index, end_s),
        stacks=stacks.groups if stacks else (),
        stacks_before_end_s=end_s - stacks.t_s if stacks else None,
        inside_before_end_s=end_s - last.t_s if last and not flight.from_outside else None,
        outside_before_end_s=end_s - float(outside_t_s[-1]) if outside_t_s.size else None,
        notes=_notes(incarnation, flight),
    )


def _scaled(sample: FlightSample, time_scale: float) -> FlightSample:
    """Return the sample with the ages of its calls as timeouts count, whatever the pace of the phase's own clock."""
    return replace(sample, call_ages_s=tuple(age_s * time_scale for age_s in sample.call_ages_s))


def _end_s(incarnation: Incarnation, sampled_s: Sequence[float], flight: Flight) -> float:
    """Return when the incarnation ended; where that was not recorded, the last sign of it."""
    if incarnation.ended_s is not None:
        return incarnation.ended_s
    return max([incarnation.started_s, *sampled_s[-1:], *(sample.t_s for sample in flight.samples[-1:])])


def _before_the_drop(memory: MemorySeries, incarnation: Incarnation, noticed_s: float) -> float:
    """Return the last moment at which what was killed still held its memory: a kill is noticed after it happened."""
    near = (memory.incarnation == incarnation.index) & (memory.t_s <= noticed_s) & (memory.t_s > noticed_s - _NOTICED_S)
    if not near.any():
        return noticed_s
    return float(memory.t_s[near][int(np.argmax(memory.own_bytes[near]))])


def _notes(incarnation: Incarnation, flight: Flight) -> tuple[str, ...]:
    notes = list(flight.damaged)
    if incarnation.ended_s is None:
        notes.append(
            "the end of this incarnation was not recorded: the record breaks off, and times count back from the last"
            " sample"
        )
    if not flight.samples:
        notes.append("no flight was recorded: only the kernel's and the broker's counts are known")
    elif flight.from_outside:
        notes.append("the worker has no flight recorder: what only it can know is missing")
    return tuple(notes)


def _rows(
    trial: TrialRecord, incarnation: Incarnation, samples: Sequence[FlightSample], end_s: float
) -> tuple[Row, ...]:
    """Return one row a second, and one of the last sample from outside, which is nearest to the end."""
    memory, began_s = trial.memory, max(end_s - WINDOW_S, incarnation.started_s)
    mine = np.flatnonzero((memory.incarnation == incarnation.index) & (memory.t_s <= end_s))
    seconds = [end_s - n for n in range(int(WINDOW_S), 0, -1) if end_s - n >= began_s]
    if mine.size:
        seconds.append(float(memory.t_s[mine[-1]]))
    rows = [_row(trial, _last(samples, at_s), _index(memory, mine, at_s), at_s, end_s) for at_s in seconds]
    return tuple(rows)


def _index(memory: MemorySeries, mine: np.ndarray[tuple[int, ...], np.dtype[np.int64]], at_s: float) -> int | None:
    """Return the index of the last sample of this incarnation at ``at_s``."""
    found = int(np.searchsorted(memory.t_s[mine], at_s, side="right")) - 1
    return int(mine[found]) if found >= 0 else None


def _last(samples: Iterable[_T], at_s: float) -> _T | None:
    """Return the last of ``samples``, in order of time, that is not later than ``at_s``."""
    found = None
    for sample in samples:
        if sample.t_s > at_s:  # type: ignore[attr-defined]
            break
        found = sample
    return found


def _row(trial: TrialRecord, flight: FlightSample | None, index: int | None, at_s: float, end_s: float) -> Row:
    memory, broker = trial.memory, _last(trial.queue, at_s)
    cgroup = float("nan") if index is None else float(memory.cgroup_bytes[index])
    return Row(
        before_end_s=end_s - at_s,
        clock=wording.moment(trial.phases, at_s),
        rss_bytes=None if index is None else int(memory.rss_bytes[index]),
        cgroup_bytes=None if np.isnan(cgroup) else int(cgroup),
        executor_queue=flight.executor_queue if flight else None,
        in_flight=flight.in_flight if flight else None,
        oldest_call_s=flight.call_ages_s[0] if flight and flight.call_ages_s else None,
        bodies=flight.bodies if flight else None,
        bodies_bytes=flight.bodies_bytes if flight else None,
        exceptions=flight.exceptions if flight else None,
        gc_count=flight.gc_count if flight else (),
        full_collections=flight.gc_collections[-1] if flight and flight.gc_collections else None,
        broker_ready=broker.ready if broker else None,
        broker_unacked=broker.unacked if broker else None,
    )


def _growth(
    t_s: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    rss_bytes: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    end_s: float,
) -> tuple[tuple[float, float], ...]:
    found = []
    for span_s in _GROWTH_SPANS_S:
        within = t_s >= end_s - span_s
        if within.sum() >= _GROWTH_SAMPLES_MIN:
            found.append((span_s, float(np.polyfit(t_s[within] - end_s, rss_bytes[within], 1)[0])))
    return tuple(found)


def _holdings(samples: Sequence[FlightSample]) -> tuple[Holding, ...]:
    """Return what the last sample distinguishes: bodies waiting, bodies in hand, the start, the rest."""
    last = samples[-1] if samples else None
    if last is None or last.bodies is None or last.bodies_bytes is None or "rss" not in last.memory:
        return ()
    waiting = min(last.executor_queue or 0, last.bodies)
    waiting_bytes = round(last.bodies_bytes * waiting / last.bodies) if last.bodies else 0
    early = [s.memory["rss"] for s in samples if s.t_s < samples[0].t_s + _BASELINE_S and "rss" in s.memory]
    in_hand, rss = last.bodies_bytes - waiting_bytes, last.memory["rss"]
    exceptions = last.exceptions or 0
    held = [
        Holding(f"{waiting} message bodies that wait in the executor's queue", waiting_bytes),
        Holding(f"{last.bodies - waiting} bodies in hand: being processed, or kept by an exception", in_hand),
    ]
    accounted = last.bodies_bytes
    # The ring holds the incarnation's beginning only where it was short; only then is its floor known.
    floor = min(early) if early and not (samples[0].bodies or 0) else 0
    if floor and floor + accounted <= rss:
        held.append(Holding("the worker before its first message", floor))
        accounted += floor
    words = f"the rest: parsed messages, texts, requests, what {exceptions} live exceptions keep, the allocator's slack"
    held.append(Holding(words, max(rss - accounted, 0)))
    return tuple(held)


def _heap(run: RunRecord, trial: TrialRecord, incarnation: Incarnation) -> tuple[Holding, ...]:
    """Return what memray found in the same incarnation of the arm's repeat under it; nothing where there was none."""
    twin = run.repeat_of(trial.arm)
    found = (
        next((heap for heap in twin.heaps if heap.incarnation == incarnation.index), None) if twin is not None else None
    )
    if found is None or found.killed != (incarnation.exit_status == SIGKILL_STATUS):
        return ()
    return tuple(Holding(name, size) for name, size in found.worst_groups if size >= wording.WORTH_A_ROW_BYTES)
