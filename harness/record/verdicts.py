"""What judging gives: verdicts of checks, measured tables, and all of it together."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Verdict(Enum):
    """What a check says. Worst wins: pass < unknown < fail."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    UNKNOWN = "unknown"
    FAIL = "fail"

    @staticmethod
    def worst(verdicts: Iterable[Verdict]) -> Verdict:
        """Return the worst of ``verdicts``; of none at all, ``UNKNOWN``: nothing was checked."""
        order = [Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL]
        ranks = [order.index(verdict) for verdict in verdicts]
        return order[max(ranks)] if ranks else Verdict.UNKNOWN

    @property
    def exit_code(self) -> int:
        """0 for pass, 1 for fail, 3 for unknown."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 3}[self]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one checker says of one arm: the measured value beside its threshold."""

    check: str
    arm: str
    verdict: Verdict
    measured: str  # with its unit, ready to print
    threshold: str
    detail: str = ""  # one or two sentences: why, and the remedy where there is one


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One row of the before/after table: the report's promise beside what was measured of each arm.

    ``measured_*`` is by arm, in the order of the scenario; every row of a table has the same arms.
    """

    metric: str
    reported_before: str
    measured_before: Mapping[str, str]  # the worker as it was
    reported_after: str
    measured_after: Mapping[str, str]  # the fix as it was reported, and the worker that has to hold


@dataclass(frozen=True, slots=True)
class MinuteRow:
    """One row of the measured minute table."""

    tod_s: float
    reported_memory: str
    measured_memory: str
    reported_queue: str
    measured_queue: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The whole verdict of a run."""

    verdict: Verdict
    checks: tuple[CheckResult, ...]
    comparison: tuple[MetricRow, ...] = ()  # the before/after table
    minutes: tuple[MinuteRow, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)  # "incident.peak_mib" → 3000.0: for trend tools
