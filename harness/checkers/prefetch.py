"""Which prefetch was really in force?

Asked of the broker, not of the worker's configuration: what was configured is judged nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult
    from harness.scenario.expectations import EffectivePrefetch

NAME = "effective prefetch"


def check(case: Case, expected: EffectivePrefetch) -> CheckResult:
    """Pass where every consumer the broker reported had the expected prefetch; 0 is unlimited."""
    threshold = "unlimited (0)" if expected.equals == 0 else str(expected.equals)
    seen = case.trial.effective_prefetch
    if not seen:
        return case.result(NAME, Verdict.UNKNOWN, "the broker never reported a consumer", threshold)
    measured = ", ".join("unlimited (0)" if count == 0 else str(count) for count in sorted(set(seen)))
    verdict = Verdict.PASS if set(seen) == {expected.equals} else case.missed
    return case.result(NAME, verdict, f"{measured}, by the management API", threshold)
