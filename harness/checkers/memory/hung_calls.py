"""How much memory does the worker need while its calls hang: the price of one hung message, so many times over?

The worker's own memory as it was sampled, in the stretches in which at least so many calls of the dependency were open
and none of them was to be answered in time. A peak between two samples is the memory budget's to catch.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from harness.checkers.check import Check, Size
from harness.fields.strict import SizeBytes, Strict, Whole
from harness.record import Verdict
from harness.record.facts import mib

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord

ANSWER = "answer"  # the mode of a call that is answered in time
CALLS = 10  # at once, unless the scenario says otherwise


class HungCallsBudget(Strict):
    """While at least so many calls of the dependency hang, the worker's own memory stays within this."""

    calls_at_least: Annotated[Whole, Field(ge=1)] = CALLS
    peak_at_most: SizeBytes


def stretches(trial: TrialRecord, calls_at_least: int) -> Iterator[tuple[float, float]]:
    """Yield (from, to) in replay seconds wherever at least so many spoilt calls were open at once."""
    changes: list[tuple[float, int]] = []
    for call in trial.calls:
        if call.primary and call.mode != ANSWER:
            changes.append((call.arrived_s, 1))
            changes.append((math.inf if call.duration_s is None else call.arrived_s + call.duration_s, -1))
    changes.sort()
    open_calls = 0
    for (at_s, change), (next_s, _) in pairwise([*changes, (math.inf, 0)]):
        open_calls += change
        if open_calls >= calls_at_least and next_s > at_s:
            yield at_s, next_s


def peak_bytes(trial: TrialRecord, calls_at_least: int = CALLS) -> float | None:
    """Return the highest sample of the worker's own memory while so many calls hung; None where there is none."""
    t_s, own = trial.memory.t_s, trial.memory.own_bytes
    inside = np.zeros(t_s.size, dtype=np.bool_)
    for from_s, to_s in stretches(trial, calls_at_least):
        inside |= (t_s >= from_s) & (t_s <= to_s)
    inside &= ~np.isnan(own)
    return float(own[inside].max()) if inside.any() else None


def check(case: Case, expected: HungCallsBudget) -> CheckResult:
    """Pass where memory stayed within the budget; unknown where never so many calls hung at once."""
    threshold = f"memory at most {mib(expected.peak_at_most)} while {expected.calls_at_least} calls hang"
    peak = peak_bytes(case.trial, expected.calls_at_least)
    if peak is None:
        detail = "The workload was too weak for this question, or memory was not sampled."
        return case.result(
            CHECK.name, Verdict.UNKNOWN, f"never {expected.calls_at_least} hung calls", threshold, detail
        )
    verdict = Verdict.PASS if peak <= expected.peak_at_most else case.missed
    return case.result(CHECK.name, verdict, f"memory at most {mib(peak)}", threshold)


CHECK = Check("memory with hung calls", check, HungCallsBudget, key="hung_calls_budget", sizes=(Size("peak_at_most"),))
