"""Reading a run directory back: ``read_run`` gives a RunRecord, of a finished run as of one that was cut off.

A torn or unreadable line is left out and said in ``TrialRecord.damaged``; a missing file is an empty series. Only a
missing manifest, or one of another format, is an error. Each file's own module reads it. Judges nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from harness.errors import RunDirectoryError
from harness.record import Publish, RunRecord, TrialRecord
from harness.record.heap import HeapGroup, HeapSite, HeapSummary
from harness.store import events_file
from harness.store.flight_files import read_flight
from harness.store.manifest_file import read_manifest
from harness.store.memory_files import read_memory, read_processes
from harness.store.message_files import read_calls, read_outcomes
from harness.store.publish_journal import read_journal
from harness.store.queue_files import read_queue, read_queues_left
from harness.store.tolerant import MALFORMED, read_json
from harness.store.trial_file import read_trial
from harness.store.worker_files import read_alerts, read_gauges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_T = TypeVar("_T")


def read_run(path: Path) -> RunRecord:
    """Return what the run directory ``path`` holds, its trials in the order in which they were played.

    Raises:
        RunDirectoryError: it is not a run directory, it has no manifest yet, or its manifest can't be read.

    """
    manifest = read_manifest(path)
    try:
        folders = sorted(folder for folder in (path / "trials").iterdir() if folder.is_dir())
    except OSError as error:
        raise RunDirectoryError(f"{path} is not a run directory ({error}); see runs/") from error
    found = [_read_trial(folder, path, manifest.id_key) for folder in folders]
    found.sort(key=lambda one: (one[1].role != "before", one[0]))
    return RunRecord(manifest, tuple(trial for _, trial in found))


def _read_trial(folder: Path, run: Path, id_key: str) -> tuple[float, TrialRecord]:
    """Return (when it began, the record of the trial). One without ``trial.json`` counts from its first event."""
    damaged: list[str] = []
    facts = read_trial(folder, damaged)
    events = events_file.read_events(folder, damaged)
    start_s = facts.start_mono_s
    if start_s is None:
        start_s = events[0].t_s if events else 0.0
    events = tuple(replace(event, t_s=event.t_s - start_s) for event in events)
    memory = read_memory(folder, start_s, damaged)
    outcomes = read_outcomes(folder, damaged)
    record = TrialRecord(
        arm=facts.arm,
        role=facts.role,
        limit=facts.limit,
        phases=_from_events(lambda: events_file.phase_spans(events), (), damaged),
        incarnations=_from_events(lambda: events_file.worker_incarnations(events, memory), (), damaged),
        memory=memory,
        processes=read_processes(folder, start_s, damaged),
        queue=read_queue(folder, start_s, damaged),
        channels=_from_events(lambda: events_file.channels_seen(events), (), damaged),
        connections=_from_events(lambda: events_file.connections_seen(events), (), damaged),
        gauges=read_gauges(folder, start_s, damaged),
        publishes=_publishes(folder / "publishes.jsonl", start_s, damaged),
        planned_messages=facts.planned_messages,
        calls=read_calls(folder, start_s, damaged),
        outcomes=outcomes or (),
        outcomes_stored=outcomes is not None,
        queues=read_queues_left(folder, damaged),
        alerts=read_alerts(folder, facts.start_utc, id_key, damaged),
        events=events,
        faults=_from_events(lambda: events_file.fault_spans(events), (), damaged),
        drain=_from_events(lambda: events_file.drain_of(events), None, damaged),
        damaged=tuple(damaged),
        links=tuple(_links(folder, run)),
        heaps=tuple(_heaps(folder / "memray", damaged)),
        start_mono_s=start_s,
    )
    record = replace(record, cpu_share=_cpu_share(folder / "flight", record))
    return math.inf if facts.start_mono_s is None else facts.start_mono_s, record


def _from_events(derive: Callable[[], _T], otherwise: _T, damaged: list[str]) -> _T:
    """Return what ``derive`` makes of the events; where they lack what it takes, say so and return ``otherwise``."""
    try:
        return derive()
    except MALFORMED as error:
        damaged.append(f"events.jsonl: an event lacks what belongs to it ({type(error).__name__}: {error})")
        return otherwise


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
