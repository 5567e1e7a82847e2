"""What a check is given, and how it answers. Used by every check; judges nothing itself.

What a check needs of the scenario stands in the case as plain values: checks know no scenario, so that the scenario's
model can read their thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.record import CheckResult, Role, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.record import RunRecord, TrialRecord


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One occurrence of a fault that the scenario's timeline plans."""

    key: str  # as its events have it
    fault: str
    silences: bool = False  # the worker's connection carries nothing, and nobody closes it


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """One phase of the scenario's timeline, with what the dependency was to do in it."""

    name: str
    rules: str  # key of the rules in force in it, as their events have it; empty: nothing was wrong from the beginning
    # The share of the calls that each faulty mode meets: those that these rules apply to some call, plain answers not.
    faulty_shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One arm to be judged: its trial, beside the whole run and what the scenario planned for it."""

    arm: str
    trial: TrialRecord
    run: RunRecord
    role: str
    phases: tuple[PlannedPhase, ...] = ()
    faults: tuple[PlannedFault, ...] = ()

    @property
    def missed(self) -> Verdict:
        """The verdict where an expectation is not met.

        Fail for the arm that has to hold. An arm that must show the incident, or what the report's fix makes of it, and
        does not has *not reproduced* it, which is unknown.
        """
        return Verdict.FAIL if self.role == Role.AFTER else Verdict.UNKNOWN

    @property
    def undrained(self) -> str | None:
        """What was still open when the wait for an end was over, in words; None where all was settled."""
        drain = self.trial.drain
        if drain is None:
            return "the trial was cut off"
        return None if drain.complete else drain.last_seen

    def result(self, check: str, verdict: Verdict, measured: str, threshold: str, detail: str = "") -> CheckResult:
        """Return a result of this arm."""
        return CheckResult(check, self.arm, verdict, measured, threshold, detail)
