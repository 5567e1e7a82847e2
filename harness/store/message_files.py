"""calls.jsonl and outcomes.json: what the dependency was called for, and what became of each message.

calls.jsonl is written by the dependency itself, a line a request when it ends (docs/reference/contracts.md);
outcomes.json by the trial, from the worker's own store. Both are read here. It judges nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.record import CallOutcome, DependencyCall, Outcome
from harness.store.atomic import write_atomically
from harness.store.tolerant import read_json, read_json_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.store.writing import TrialFolder

CALLS, OUTCOMES = "calls.jsonl", "outcomes.json"


def write_outcomes(folder: TrialFolder, outcomes: Sequence[Outcome] | None) -> None:
    """Write what the worker's store says of each message; None where it has none. Raises RunDirectoryError."""
    written = None if outcomes is None else [asdict(outcome) for outcome in outcomes]
    write_atomically(folder.path / OUTCOMES, json.dumps(written))


def read_outcomes(folder: Path, damaged: list[str]) -> tuple[Outcome, ...] | None:
    """Return what became of each message; None where the worker has no store, empty where it was not read."""
    found = read_json(folder / OUTCOMES, _outcomes, damaged)
    if found is None:
        return ()
    return found[0]


def read_calls(folder: Path, start_s: float, damaged: list[str]) -> tuple[DependencyCall, ...]:
    """Return the calls with replay times, in the order in which they ended."""
    return read_json_lines(folder / CALLS, lambda line: _call(line, start_s), damaged)


def _outcomes(raw: Any) -> tuple[tuple[Outcome, ...] | None]:
    """Return the outcomes in a tuple of one: a null in the file is an answer too."""
    return (None if raw is None else tuple(Outcome(**each) for each in raw),)


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
        good=line["good"] is True,
        primary=line["primary"] is True,
    )
