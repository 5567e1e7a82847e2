"""What one run is: its manifest, with what the incident report said, and its trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.record.trial import TrialRecord


PROFILED_SUFFIX = "-profiled"  # names the folder of an arm's repeat under memray


def profiled(arm: str) -> str:
    """Return the name of the repeat of ``arm`` under memray."""
    return f"{arm}{PROFILED_SUFFIX}"


@dataclass(frozen=True, slots=True)
class ReportedPoint:
    """One point of the incident report's minute table."""

    tod_s: float
    memory_low_bytes: float
    memory_high_bytes: float
    queue: str  # as the report words it
    exceptions: str


@dataclass(frozen=True, slots=True)
class ReportedMetric:
    """One row of the report's before/after table, as it was promised."""

    metric: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was run, on what, by what."""

    run_id: str
    scenario: str
    claim: str
    seed: int
    time_scale: float
    started_utc: str  # ISO 8601
    command: tuple[str, ...]  # how to replay it
    versions: Mapping[str, str]  # part → version
    machine: Mapping[str, str]  # kernel, cores, memory …
    limit_bytes: int
    reported_points: tuple[ReportedPoint, ...] = ()
    reported_metrics: tuple[ReportedMetric, ...] = ()
    incident: str = "none"  # the incident package, or "none"
    id_key: str = "message_id"  # names a message in what the worker writes: its body, its alerts
    fault_schedule: str = ""  # SHA-256 of when which fault comes, as drawn from the seed; empty where none does


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run: its manifest and its trials."""

    manifest: Manifest
    trials: tuple[TrialRecord, ...]

    def trial(self, arm: str) -> TrialRecord | None:
        """Return the trial of that arm, or None."""
        return next((trial for trial in self.trials if trial.arm == arm), None)

    def repeat_of(self, arm: str) -> TrialRecord | None:
        """Return the trial in which ``arm`` was repeated under memray, or None."""
        return self.trial(profiled(arm))
