"""How much memory does the worker need while its calls hang: the price of one hung message, ten times over?

The resident set as it was sampled, in the stretches in which at least so many calls of the memory API were open and
none of them was to be answered in time. A peak between two samples is the memory budget's to catch.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.checkers.base import mib
from harness.ledger import EXTRACT_FACTS
from harness.record import Verdict
from harness.scenario import ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.base import Case
    from harness.record import CheckResult, TrialRecord
    from harness.scenario.expectations import HungCallsBudget

NAME = "memory with hung calls"
CALLS = 10  # the incident's worker has ten threads


def stretches(trial: TrialRecord, calls_at_least: int) -> Iterator[tuple[float, float]]:
    """Yield (from, to) in replay seconds wherever at least so many spoilt calls were open at once."""
    changes: list[tuple[float, int]] = []
    for call in trial.calls:
        if call.path == EXTRACT_FACTS and call.mode != ANSWER:
            changes.append((call.arrived_s, 1))
            changes.append((math.inf if call.duration_s is None else call.arrived_s + call.duration_s, -1))
    changes.sort()
    open_calls = 0
    for (at_s, change), (next_s, _) in pairwise([*changes, (math.inf, 0)]):
        open_calls += change
        if open_calls >= calls_at_least and next_s > at_s:
            yield at_s, next_s


def peak_bytes(trial: TrialRecord, calls_at_least: int = CALLS) -> float | None:
    """Return the highest resident set while so many calls hung; None where that was never sampled."""
    t_s, rss = trial.memory.t_s, trial.memory.rss_bytes
    inside = np.zeros(t_s.size, dtype=np.bool_)
    for from_s, to_s in stretches(trial, calls_at_least):
        inside |= (t_s >= from_s) & (t_s <= to_s)
    return float(rss[inside].max()) if inside.any() else None


def check(case: Case, expected: HungCallsBudget) -> CheckResult:
    """Pass where the resident set stayed within the budget; unknown where never so many calls hung at once."""
    threshold = f"resident set at most {mib(expected.peak_at_most)} while {expected.calls_at_least} calls hang"
    peak = peak_bytes(case.trial, expected.calls_at_least)
    if peak is None:
        detail = "The workload was too weak for this question, or memory was not sampled."
        return case.result(NAME, Verdict.UNKNOWN, f"never {expected.calls_at_least} hung calls", threshold, detail)
    verdict = Verdict.PASS if peak <= expected.peak_at_most else case.missed
    return case.result(NAME, verdict, f"resident set at most {mib(peak)}", threshold)
