"""queue.csv and queues.json: the queues while the trial ran, and what each held in the end; written and read here.

Written by ``harness.probes.broker_queue`` and by the trial. ``queue.csv`` keeps what the management API said; the
broker forgets its counts with a restart, and they go on in what is read here. It judges nothing.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.record import QueueKind, QueueLeft, QueueSample
from harness.store.atomic import write_atomically
from harness.store.tolerant import read_json, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from harness.store.writing import TrialFolder

SERIES, LEFT = "queue.csv", "queues.json"
_COLUMNS = tuple(field.name for field in fields(QueueSample) if field.name != "t_s")
_COUNTED = ("acked", "redelivered", "delivered")  # since the queue was declared, by the broker; they only grow


@contextmanager
def queue_writer(folder: TrialFolder) -> Iterator[Callable[..., None]]:
    """Open queue.csv for appending samples of this moment, their columns by name. Raises RunDirectoryError."""
    with folder.series(SERIES, _COLUMNS) as series:
        yield lambda **counts: series.add(*(counts[name] for name in _COLUMNS))


def read_queue(folder: Path, start_s: float, damaged: list[str]) -> tuple[QueueSample, ...]:
    """Return the samples with replay times, their counts counted from the trial's start."""
    return counted_on(read_rows(folder / SERIES, lambda row: _sample(row, start_s), damaged))


def counted_on(samples: Sequence[QueueSample]) -> tuple[QueueSample, ...]:
    """Return the samples with their counts from the trial's start, whatever the broker has forgotten meanwhile.

    A count that is lower than the one before began anew; what was counted until then is added to it.
    """
    if not samples:
        return ()
    found = [samples[0]]
    for before, now in pairwise(samples):
        total = found[-1]
        grown = {name: getattr(total, name) + _more(getattr(before, name), getattr(now, name)) for name in _COUNTED}
        found.append(replace(now, **grown))
    return tuple(found)


def write_queues_left(folder: TrialFolder, queues: Sequence[QueueLeft]) -> None:
    """Write what each queue held in the end. Raises RunDirectoryError."""
    write_atomically(folder.path / LEFT, json.dumps([asdict(queue) for queue in queues]))


def read_queues_left(folder: Path, damaged: list[str]) -> tuple[QueueLeft, ...] | None:
    """Return what each queue held in the end; None where that was never written, or can't be read."""
    if not (folder / LEFT).exists():
        return None
    return read_json(folder / LEFT, lambda raw: tuple(_left(each) for each in raw), damaged)


def _more(before: int, now: int) -> int:
    return now - before if now >= before else now


def _sample(row: dict[str, str], start_s: float) -> QueueSample:
    return QueueSample(t_s=float(row["mono_s"]) - start_s, **{name: int(row[name]) for name in _COLUMNS})


def _left(raw: dict[str, Any]) -> QueueLeft:
    names = tuple(None if name is None else str(name) for name in raw["message_ids"])
    return QueueLeft(str(raw["name"]), QueueKind(raw["kind"]), int(raw["messages"]), names)
