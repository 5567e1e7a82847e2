"""The history of results: a SQLite file beside the run directories, to which rows are added and in which none changes.

The commands append after each run, reproduction and gate; ``harness history`` reads. Triggers refuse any update and any
deletion, so that what a commit once measured stays. A run appended twice is there once.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from harness.errors import RunDirectoryError
from harness.record.history import HistoryRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FILE = "history.sqlite"
_BUSY_TIMEOUT_S = 10.0  # another harness appends its rows in milliseconds
_COLUMNS = (
    *("run_id", "started_utc", "kind", "scenario", "arm", "commit_id", "dirty", "machine", "peak_mib"),
    *("throughput_per_s", "verdict"),
)
_INSERT = """
INSERT OR IGNORE INTO results
    (run_id, started_utc, kind, scenario, arm, commit_id, dirty, machine, peak_mib, throughput_per_s, verdict)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SELECT = """
SELECT run_id, started_utc, kind, scenario, arm, commit_id, dirty, machine, peak_mib, throughput_per_s, verdict
FROM results ORDER BY id
"""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL, started_utc TEXT NOT NULL, kind TEXT NOT NULL, scenario TEXT NOT NULL, arm TEXT NOT NULL,
    commit_id TEXT NOT NULL, dirty INTEGER NOT NULL, machine TEXT NOT NULL,
    peak_mib REAL, throughput_per_s REAL, verdict TEXT NOT NULL,
    UNIQUE (run_id, arm)
);
CREATE TRIGGER IF NOT EXISTS results_stay BEFORE UPDATE ON results
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER IF NOT EXISTS results_are_kept BEFORE DELETE ON results
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
"""


def append(folder: Path, rows: Sequence[HistoryRow]) -> None:
    """Add rows to the history in ``folder``. Raises RunDirectoryError."""
    with _opened(folder / FILE) as connection:
        connection.executescript(_SCHEMA)
        connection.executemany(_INSERT, [_values(row) for row in rows])
        connection.commit()


def read(folder: Path) -> tuple[HistoryRow, ...]:
    """Return all rows in the order in which they were added; none where there is no history yet.

    Raises RunDirectoryError.
    """
    if not (folder / FILE).exists():
        return ()
    with _opened(folder / FILE) as connection:
        found = connection.execute(_SELECT).fetchall()
    return tuple(_row(values) for values in found)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)) as connection:
            yield connection
    except (OSError, sqlite3.Error, ValueError) as error:
        raise RunDirectoryError(f"the history {path} can't be used: {error}; move it away to begin another") from error


def _values(row: HistoryRow) -> tuple[object, ...]:
    machine = json.dumps(dict(row.machine), sort_keys=True)
    facts = (row.run_id, row.started_utc, row.kind, row.scenario, row.arm, row.commit, row.dirty, machine)
    return (*facts, row.peak_mib, row.throughput_per_s, row.verdict)


def _row(values: tuple[object, ...]) -> HistoryRow:
    named = dict(zip(_COLUMNS, values, strict=True))
    peak, rate = (named[name] for name in ("peak_mib", "throughput_per_s"))
    return HistoryRow(
        run_id=str(named["run_id"]),
        started_utc=str(named["started_utc"]),
        kind=str(named["kind"]),
        scenario=str(named["scenario"]),
        arm=str(named["arm"]),
        commit=str(named["commit_id"]),
        dirty=bool(named["dirty"]),
        machine=json.loads(str(named["machine"])),
        peak_mib=float(peak) if isinstance(peak, int | float) else None,
        throughput_per_s=float(rate) if isinstance(rate, int | float) else None,
        verdict=str(named["verdict"]),
    )
