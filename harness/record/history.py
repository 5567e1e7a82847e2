"""One line of the history: what one arm of a run, or a gate's candidate, came to. Used by store and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One result. Figures that were not measured are None."""

    run_id: str
    started_utc: str  # ISO 8601
    kind: str  # "run" | "gate"
    scenario: str
    arm: str
    commit: str  # short; "unknown" outside a checkout
    dirty: bool  # the tree differed from that commit
    machine: Mapping[str, str]
    peak_mib: float | None
    throughput_per_s: float | None
    verdict: str

    @property
    def series(self) -> tuple[str, str, str]:
        """What may be compared with what: the same scenario, arm and machine."""
        return self.scenario, self.arm, ", ".join(f"{name} {value}" for name, value in sorted(self.machine.items()))
