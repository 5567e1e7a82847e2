"""What a checker is given, and how it answers. Used by every checker; judges nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.record import MIB, CheckResult, Verdict

if TYPE_CHECKING:
    from harness.record import RunRecord, TrialRecord
    from harness.scenario import Arm, Scenario


@dataclass(frozen=True, slots=True)
class Case:
    """One arm to be judged: its trial, beside the whole run and the scenario."""

    arm: str
    trial: TrialRecord
    run: RunRecord
    scenario: Scenario

    @property
    def spec(self) -> Arm:
        """What the scenario says of this arm."""
        return self.scenario.arms[self.arm]

    @property
    def missed(self) -> Verdict:
        """The verdict where an expectation is not met.

        Fail for the arm that has to hold. An arm that must show the incident, or what the report's fix makes of it, and
        does not has *not reproduced* it, which is unknown.
        """
        return Verdict.FAIL if self.spec.role == "after" else Verdict.UNKNOWN

    def result(self, check: str, verdict: Verdict, measured: str, threshold: str, detail: str = "") -> CheckResult:
        """Return a result of this arm."""
        return CheckResult(check, self.arm, verdict, measured, threshold, detail)


def mib(size_bytes: float) -> str:
    """Return a size for people: ``375 MiB``."""
    return f"{size_bytes / MIB:.0f} MiB"
