"""Did the worker defer messages, so many and for this reason?

Counts rows that are FAILED with one error code. Whether each of them is tried again is ``accounted``'s to judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult


class Deferred(Strict):
    """Messages are deferred: FAILED in the worker's own table, with this error code."""

    error_code: Annotated[str, Field(min_length=1, max_length=50)]
    messages_at_least: Annotated[Whole, Field(ge=1)]


def check(case: Case, expected: Deferred) -> CheckResult:
    """Pass with at least ``messages_at_least`` rows of that code; unknown where the table was not read."""
    threshold = f"at least {expected.messages_at_least} FAILED as {expected.error_code}"
    rows = case.trial.outcomes
    if not rows:
        return case.result(
            CHECK.name, Verdict.UNKNOWN, "the table was not read", threshold, "outcomes.json is missing or empty."
        )
    found = sum(row.status == "FAILED" and row.error_code == expected.error_code for row in rows)
    verdict = Verdict.PASS if found >= expected.messages_at_least else case.missed
    return case.result(CHECK.name, verdict, f"{found} of {len(rows)}", threshold)


CHECK = Check("messages deferred", check, Deferred, key="deferred")
