"""Did the worker put messages off, so many and for this reason?

Counts rows that are FAILED with one error code. Whether each of them is tried again is ``accounted``'s to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult
    from harness.scenario.expectations import Deferred

NAME = "messages deferred"


def check(case: Case, expected: Deferred) -> CheckResult:
    """Pass with at least ``messages_at_least`` rows of that code; unknown where the table was not read."""
    threshold = f"at least {expected.messages_at_least} FAILED as {expected.error_code}"
    rows = case.trial.outcomes
    if not rows:
        return case.result(
            NAME, Verdict.UNKNOWN, "the table was not read", threshold, "outcomes.json is missing or empty."
        )
    found = sum(row.status == "FAILED" and row.error_code == expected.error_code for row in rows)
    verdict = Verdict.PASS if found >= expected.messages_at_least else case.missed
    return case.result(NAME, verdict, f"{found} of {len(rows)}", threshold)
