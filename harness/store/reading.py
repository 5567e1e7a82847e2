"""Reading a run directory back: ``read_run`` gives a RunRecord, of a finished run as of one that was cut off.

A torn or unreadable line is left out and said in ``TrialRecord.damaged``; a missing file is an empty series. Only a
missing manifest is an error. Used by the commands; judges nothing.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from harness.errors import RunDirectoryError
from harness.record import (
    CallOutcome,
    DependencyCall,
    Drain,
    Event,
    Limit,
    Manifest,
    MemorySeries,
    Outcome,
    Publish,
    QueueSample,
    ReportedMetric,
    ReportedPoint,
    Role,
    RunRecord,
    TrialRecord,
    WorkerGauge,
)
from harness.record.heap import HeapGroup, HeapSite, HeapSummary
from harness.store.broker_counts import counted_on
from harness.store.flight_files import read_flight
from harness.store.history import channels_seen, fault_spans, phase_spans, worker_incarnations
from harness.store.leftovers import read_alerts, read_queues
from harness.store.publish_journal import read_journal
from harness.store.tolerant import MALFORMED, read_json, read_json_lines, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Facts:
    """What ``trial.json`` says."""

    arm: str
    role: str
    start_mono_s: float | None  # None: never written, so replay time zero is not known
    planned_messages: int
    limit: Limit | None
    start_utc: datetime | None = None  # of the same moment


def read_run(path: Path) -> RunRecord:
    """Return what the run directory ``path`` holds, its trials in the order in which they were played.

    Raises:
        RunDirectoryError: it is not a run directory, it has no manifest yet, or its manifest can't be read.

    """
    if (path / "trials").is_dir() and not (path / "manifest.json").exists():
        raise RunDirectoryError(f"{path} holds no manifest: the run ended before it recorded anything; play it again")
    try:
        manifest = _manifest(json.loads((path / "manifest.json").read_bytes()))
        folders = sorted(folder for folder in (path / "trials").iterdir() if folder.is_dir())
    except (OSError, *MALFORMED) as error:
        raise RunDirectoryError(f"{path} is not a run directory ({error}); see runs/") from error
    found = [_read_trial(folder, path) for folder in folders]
    found.sort(key=lambda one: (one[1].role != "before", one[0]))
    return RunRecord(manifest, tuple(trial for _, trial in found))


def _manifest(raw: dict[str, Any]) -> Manifest:
    lists = {
        "command": tuple(raw["command"]),
        "reported_points": tuple(ReportedPoint(**point) for point in raw["reported_points"]),
        "reported_metrics": tuple(ReportedMetric(**metric) for metric in raw["reported_metrics"]),
    }
    return Manifest(**raw | lists)


def _read_trial(folder: Path, run: Path) -> tuple[float, TrialRecord]:
    """Return (when it began, the record of the trial). One without ``trial.json`` counts from its first event."""
    damaged: list[str] = []
    facts = read_json(folder / "trial.json", _facts, damaged) or _Facts(folder.name, "unknown", None, 0, None)
    events = read_json_lines(folder / "events.jsonl", _event, damaged)
    start_s = facts.start_mono_s
    if start_s is None:
        start_s = events[0].t_s if events else 0.0
    events = tuple(replace(event, t_s=event.t_s - start_s) for event in events)
    memory = _read_memory(folder / "memory.csv", start_s, damaged)
    record = TrialRecord(
        arm=facts.arm,
        role=Role(facts.role),
        limit=facts.limit,
        phases=_told(lambda: phase_spans(events), (), damaged),
        incarnations=_told(lambda: worker_incarnations(events, memory), (), damaged),
        memory=memory,
        queue=counted_on(read_rows(folder / "queue.csv", lambda row: _queue_sample(row, start_s), damaged)),
        gauges=read_json_lines(folder / "worker_stats.jsonl", lambda line: _gauge(line, start_s), damaged),
        publishes=_publishes(folder / "publishes.jsonl", start_s, damaged),
        planned_messages=facts.planned_messages,
        calls=read_json_lines(folder / "calls.jsonl", lambda line: _call(line, start_s), damaged),
        outcomes=read_json(folder / "outcomes.json", _event_rows, damaged) or (),
        queues=read_queues(folder, damaged),
        alerts=read_alerts(folder, facts.start_utc, damaged),
        events=events,
        channels=_told(lambda: channels_seen(events), (), damaged),
        faults=fault_spans(events),
        drain=_told(lambda: _drain(events), None, damaged),
        damaged=tuple(damaged),
        links=tuple(_links(folder, run)),
        heaps=tuple(_heaps(folder / "memray", damaged)),
        start_mono_s=start_s,
    )
    record = replace(record, cpu_share=_cpu_share(folder / "flight", record))
    return math.inf if facts.start_mono_s is None else facts.start_mono_s, record


def _told(tell: Callable[[], _T], otherwise: _T, damaged: list[str]) -> _T:
    """Return what the events tell; where they lack what it takes, say so and return ``otherwise``."""
    try:
        return tell()
    except MALFORMED as error:
        damaged.append(f"events.jsonl: an event lacks what belongs to it ({type(error).__name__}: {error})")
        return otherwise


def _facts(raw: Any) -> _Facts:
    return _Facts(
        arm=str(raw["arm"]),
        role=str(raw["role"]),
        start_mono_s=float(raw["start_mono_s"]),
        planned_messages=int(raw["planned_messages"]),
        limit=Limit(**raw["limit"]),
        start_utc=datetime.fromisoformat(raw["start_utc"]),
    )


def _event_rows(raw: Any) -> tuple[Outcome, ...]:
    return tuple(Outcome(**row) for row in raw)


def _event(line: dict[str, Any]) -> Event:
    return Event(t_s=float(line.pop("mono_s")), kind=str(line.pop("kind")), data=line)


def _drain(events: tuple[Event, ...]) -> Drain | None:
    ended = next((event.data for event in reversed(events) if event.kind == "drain_ended"), None)
    if ended is None:
        return None
    return Drain(ended["complete"] is True, float(ended["waited_s"] or 0), str(ended["last_seen"]))


def _read_memory(path: Path, start_s: float, damaged: list[str]) -> MemorySeries:
    rows = read_rows(path, _memory_row, damaged)
    if not rows:
        return MemorySeries.empty()
    table = np.array(rows, dtype=np.float64)
    return MemorySeries.of(table[:, 0] - start_s, table[:, 1].astype(np.int64), table[:, 2], table[:, 3])


def _memory_row(row: dict[str, str]) -> tuple[float, float, float, float]:
    return float(row["mono_s"]), int(row["incarnation"]), float(row["rss_bytes"]), float(row["cgroup_bytes"] or "nan")


def _queue_sample(row: dict[str, str], start_s: float) -> QueueSample:
    counts = {name: int(row[name]) for name in ("ready", "unacked", "redelivered", "acked")}
    return QueueSample(t_s=float(row["mono_s"]) - start_s, **counts)


def _gauge(line: dict[str, Any], start_s: float) -> WorkerGauge:
    counts = {name: int(line[name]) for name in WorkerGauge.__dataclass_fields__ if name != "t_s"}
    return WorkerGauge(t_s=float(line["mono_s"]) - start_s, **counts)


def _call(line: dict[str, Any], start_s: float) -> DependencyCall:
    return DependencyCall(
        path=str(line["path"]),
        message_id=line["message_id"],
        attempt=int(line["attempt"]),
        mode=str(line["mode"]),
        status=None if line["status"] is None else int(line["status"]),
        arrived_s=float(line["arrived_mono_s"]) - start_s,
        duration_s=None if line["duration_s"] is None else float(line["duration_s"]),
        outcome=CallOutcome(line["outcome"]),
        good=line.get("good", line["mode"] == "answer" and line["status"] == 200),  # noqa: PLR2004
        primary=line.get("primary", line["path"] == "/extract_facts"),
    )


def _publishes(path: Path, start_s: float, damaged: list[str]) -> tuple[Publish, ...]:
    if not path.exists():
        return ()
    journal = read_journal(path, start_s)
    damaged.extend(journal.damaged)
    return journal.publishes


def _cpu_share(folder: Path, record: TrialRecord) -> float | None:
    """Return the processor time of the first incarnation in a real second, by the last line of its flight recorder."""
    if not record.incarnations:
        return None
    samples = read_flight(folder, record.incarnations[0].pid, record.start_mono_s).samples
    length_s = samples[-1].t_s - record.incarnations[0].started_s if samples else 0.0
    used_s = samples[-1].process_cpu_s if samples else None
    return used_s / length_s if used_s is not None and length_s > 0 else None


def _heaps(folder: Path, damaged: list[str]) -> Iterator[HeapSummary]:
    for path in sorted(folder.glob("incarnation-*.json")):
        heap = read_json(path, _heap, damaged)
        if heap is not None:
            yield heap


def _heap(raw: Any) -> HeapSummary:
    groups = tuple(HeapGroup(**group) for group in raw["groups"])
    sites = tuple(HeapSite(**site | {"threads": tuple(site["threads"])}) for site in raw.get("sites", ()))
    return HeapSummary(**raw | {"groups": groups, "sites": sites})


def _links(folder: Path, run: Path) -> Iterator[tuple[str, str]]:
    for page in sorted((folder / "memray").glob("*.html")):
        yield f"{folder.name}: {page.stem.replace('-', ' ')}", str(page.relative_to(run))
    for log in sorted((folder / "logs").glob("*.log")):
        yield f"{folder.name}: log of {log.stem}", str(log.relative_to(run))
