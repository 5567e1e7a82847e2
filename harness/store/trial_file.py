"""trial.json: what is known of a trial before its workload begins; written once and read back.

A trial without it was cut off before it began: its replay time zero is not known. It judges nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.record import KillScope, Limit, Role
from harness.store.atomic import write_atomically
from harness.store.tolerant import read_json

if TYPE_CHECKING:
    from pathlib import Path

NAME = "trial.json"


@dataclass(frozen=True, slots=True)
class TrialFacts:
    """What ``trial.json`` says."""

    arm: str
    role: Role
    start_mono_s: float | None  # None: never written, so replay time zero is not known
    planned_messages: int
    limit: Limit | None
    start_utc: datetime | None = None  # of the same moment


def write_trial(folder: Path, facts: TrialFacts, now_mono_s: float) -> None:
    """Write ``facts``; the moment of replay time zero in UTC is computed from ``now_mono_s``, which is now."""
    start_utc = datetime.now(UTC) + timedelta(seconds=(facts.start_mono_s or now_mono_s) - now_mono_s)
    document = {**asdict(facts), "start_utc": start_utc.isoformat()}
    write_atomically(folder / NAME, json.dumps(document, indent=2) + "\n")


def read_trial(folder: Path, damaged: list[str]) -> TrialFacts:
    """Return what is known of the trial in ``folder``; what can't be read is said in ``damaged``."""
    return read_json(folder / NAME, _facts, damaged) or TrialFacts(folder.name, Role.UNKNOWN, None, 0, None)


def _facts(raw: Any) -> TrialFacts:
    limit = raw["limit"]
    return TrialFacts(
        arm=str(raw["arm"]),
        role=Role(raw["role"]),
        start_mono_s=float(raw["start_mono_s"]),
        planned_messages=int(raw["planned_messages"]),
        limit=Limit(**limit | {"kills": KillScope(limit["kills"])}),
        start_utc=datetime.fromisoformat(raw["start_utc"]),
    )
