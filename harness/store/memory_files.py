"""memory.csv and processes.jsonl: the worker's memory by kind, and its processes one by one; written and read here.

Written by ``harness.probes.memory``, 20 samples a second and one line a process and second. A kind that was not
measured is an empty cell. It judges nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.record import MemorySeries, ProcessSample
from harness.store.tolerant import read_json_lines, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.store.writing import TrialFolder

MEMORY, PROCESSES = "memory.csv", "processes.jsonl"
_KINDS = ("cgroup_bytes", "anonymous_bytes", "file_bytes", "inactive_file_bytes", "kernel_bytes")
_COLUMNS = ("incarnation", "rss_bytes", *_KINDS)


@dataclass(frozen=True, slots=True)
class MemorySample:
    """One sample of the probe. ``kinds`` is in the order of the columns; None where there is no cgroup."""

    incarnation: int
    rss_bytes: int
    kinds: tuple[int, int, int, int, int] | None


@contextmanager
def memory_writer(folder: TrialFolder) -> Iterator[Callable[[MemorySample], None]]:
    """Open memory.csv for appending samples of this moment. Raises RunDirectoryError."""
    with folder.series(MEMORY, _COLUMNS) as series:
        nothing = (None,) * len(_KINDS)
        yield lambda sample: series.add(sample.incarnation, sample.rss_bytes, *(sample.kinds or nothing))


@contextmanager
def process_writer(folder: TrialFolder) -> Iterator[Callable[[ProcessSample], None]]:
    """Open processes.jsonl for appending; times are the machine's monotonic clock. Raises RunDirectoryError."""
    with folder.lines(PROCESSES) as append:
        yield lambda sample: append(asdict(sample))


def read_memory(folder: Path, start_s: float, damaged: list[str]) -> MemorySeries:
    """Return the series with replay times; what can't be read is said in ``damaged``."""
    rows = read_rows(folder / MEMORY, _row, damaged)
    if not rows:
        return MemorySeries.empty()
    table = np.array(rows, dtype=np.float64)
    kinds = {name: table[:, 3 + place] for place, name in enumerate(_KINDS)}
    return MemorySeries.of(table[:, 0] - start_s, table[:, 1].astype(np.int64), table[:, 2], **kinds)


def read_processes(folder: Path, start_s: float, damaged: list[str]) -> tuple[ProcessSample, ...]:
    """Return the processes with replay times, in the order in which they were sampled."""
    return read_json_lines(folder / PROCESSES, lambda line: _process(line, start_s), damaged)


def _row(row: dict[str, str]) -> tuple[float, ...]:
    kinds = (float(row[name] or "nan") for name in _KINDS)
    return float(row["mono_s"]), int(row["incarnation"]), float(row["rss_bytes"]), *kinds


def _process(line: dict[str, Any], start_s: float) -> ProcessSample:
    share = line["pss_bytes"]
    return ProcessSample(
        t_s=float(line["t_s"]) - start_s,
        incarnation=int(line["incarnation"]),
        pid=int(line["pid"]),
        parent=int(line["parent"]),
        command=str(line["command"]),
        started_s=float(line["started_s"]) - start_s,
        rss_bytes=int(line["rss_bytes"]),
        pss_bytes=None if share is None else int(share),
    )
