"""What the regression gate leaves behind: the figures of each repeat, what comparing them says, and all of it together.

Made by ``harness.gate``, read by ``reports``. Frozen values; nothing is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.record.verdicts import Verdict

BASELINE, CANDIDATE = "baseline", "candidate"


@dataclass(frozen=True, slots=True)
class Repeat:
    """One repeat of one build: its figures by metric; one that was not measured is absent."""

    build: str  # BASELINE or CANDIDATE
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of two builds: medians, the change with its 99 % confidence interval, and what that means."""

    metric: str
    unit: str
    relative: bool  # change, low, high and effect are shares of the baseline's median; else they are in ``unit``
    worse_up: bool  # whether more of it is worse
    baseline: float
    candidate: float
    change: float
    low: float
    high: float
    effect: float  # the largest change for the worse that is let pass, significant or not
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GateReport:
    """One gate: what was compared, on what, and what came of it."""

    run_id: str
    scenario: str
    started_utc: str  # ISO 8601
    verdict: Verdict
    baseline: str  # what build A is, in words
    candidate: str  # what build B is
    comparisons: tuple[Comparison, ...]
    repeats: tuple[Repeat, ...]
    why_repeats: str  # how their number was chosen
    machine: Mapping[str, str]
    problems: tuple[str, ...] = ()  # why a repeat could not be counted, or what a build did wrong
    sites: tuple[str, ...] = ()  # the allocation sites that hold more than before, the largest growth first
    sites_note: str = ""  # where they come from, or why there are none
