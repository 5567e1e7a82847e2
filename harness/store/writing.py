"""Writing a run directory: the manifest first, then events and series line by line, final files at once or not at all.

Used by ``harness.campaign``, ``harness.trial`` and the probes. Every line is flushed when written: a killed harness
leaves a readable, partial run. Whatever the disk refuses is a RunDirectoryError. It reads nothing back.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.record import Role
from harness.store.atomic import half_file, refusals_named, remove_abandoned, write_atomically
from harness.store.manifest_file import write_manifest
from harness.store.trial_file import TrialFacts, write_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from io import FileIO
    from pathlib import Path

    from harness.record import Limit, Manifest, Scalar


class RunFolder:
    """One run directory that is being written."""

    def __init__(self, path: Path, started_utc: str) -> None:
        self.path = path
        self.started_utc = started_utc

    @property
    def run_id(self) -> str:
        """The directory's name: what every process of the run carries in its environment."""
        return self.path.name

    def write_manifest(self, manifest: Manifest, scenario_json: str) -> None:
        """Write what is about to be run, before the first trial."""
        write_atomically(self.path / "scenario.json", scenario_json)
        write_manifest(self.path, manifest)

    def trial(self, arm: str, role: str) -> TrialFolder:
        """Make the folder of one trial."""
        path = self.path / "trials" / arm
        with refusals_named(path):
            (path / "logs").mkdir(parents=True, exist_ok=True)
        return TrialFolder(path, arm, role)


class TrialFolder:
    """One trial's folder that is being written. Lines carry the monotonic clock; events may come from any thread.

    ``start`` fixes replay time zero before the workload; the reader subtracts it, so what happened before has negative
    times.
    """

    def __init__(self, path: Path, arm: str, role: str) -> None:
        self.path = path
        self.arm = arm
        self.role = role
        self.start_mono_s = time.monotonic()
        self._lock = threading.Lock()

    @property
    def logs(self) -> Path:
        """Where the parts' logs go."""
        return self.path / "logs"

    def start(self, start_mono_s: float, *, planned_messages: int, limit: Limit) -> None:
        """Set replay time zero and write what is known before the workload."""
        self.start_mono_s = start_mono_s
        facts = TrialFacts(self.arm, Role(self.role), start_mono_s, planned_messages, limit)
        write_trial(self.path, facts, time.monotonic())

    def event(self, kind: str, **data: Scalar) -> None:
        """Append one event, at this moment."""
        path = self.path / "events.jsonl"
        with self._lock, refusals_named(path), path.open("a", encoding="utf-8", errors="replace") as file:
            line = json.dumps({"mono_s": round(time.monotonic(), 4), "kind": kind, **data}, ensure_ascii=False)
            file.write(line + "\n")

    @contextmanager
    def series(self, name: str, columns: Sequence[str]) -> Iterator[Series]:
        """Open one CSV for appending rows of the monotonic time and ``columns``, by one thread at a time."""
        with self._appending(name) as series:
            if series.is_empty:
                series.line("mono_s", *columns)
            yield series

    @contextmanager
    def lines(self, name: str) -> Iterator[Callable[[Mapping[str, Scalar]], None]]:
        """Open one file of JSON lines for appending, by one thread at a time."""
        with self._appending(name) as series:
            yield lambda line: series.line(json.dumps(line, ensure_ascii=False))

    @contextmanager
    def _appending(self, name: str) -> Iterator[Series]:
        path = self.path / name
        with refusals_named(path):
            file = path.open("ab", buffering=0)
        with file:
            yield Series(file, path)


class Series:
    """One open CSV. Each line is one ``write`` call, so that a kill tears at most the last one."""

    def __init__(self, file: FileIO, path: Path) -> None:
        self._file = file
        self._path = path

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written yet."""
        return self._file.tell() == 0

    def add(self, *values: float | None) -> None:
        """Append one row of this moment; None is written as an empty cell."""
        self.line(f"{time.monotonic():.4f}", *("" if value is None else f"{value:.10g}" for value in values))

    def line(self, *cells: str) -> None:
        """Append one line of ``cells``."""
        with refusals_named(self._path):
            self._file.write(f"{','.join(cells)}\n".encode())


def create_run(runs_dir: Path, scenario_name: str) -> RunFolder:
    """Make ``runs/<utc>-<scenario>-<4 hex>/`` and point ``runs/latest`` to it.

    Raises RunDirectoryError where that can't be done.
    """
    started = datetime.now(UTC)
    name = f"{started:%Y%m%dT%H%M%SZ}-{scenario_name}-{secrets.token_hex(2)}"
    path = runs_dir / name
    with refusals_named(path):
        (path / "trials").mkdir(parents=True)
    with refusals_named(runs_dir / "latest"):
        remove_abandoned(runs_dir)
        pointer = half_file(runs_dir / "latest")
        pointer.symlink_to(name)
        try:
            pointer.replace(runs_dir / "latest")
        except OSError:  # a folder of that name, for one
            pointer.unlink()
            raise
    return RunFolder(path, started.isoformat(timespec="seconds"))
