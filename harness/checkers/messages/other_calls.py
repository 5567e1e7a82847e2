"""Does the worker call only the dependency's endpoint that its messages need?

Counts the calls of every other endpoint, by the dependency's own journal. A step that is switched off makes none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult


class OtherCallsAtMost(Strict):
    """The worker makes at most ``count`` calls of endpoints that do no message's work; unknown without any call."""

    count: Annotated[Whole, Field(ge=0)] = 0


def check(case: Case, expected: OtherCallsAtMost) -> CheckResult:
    """Pass with at most ``count`` such calls; unknown where no call at all was journalled."""
    threshold = f"at most {expected.count} calls of other endpoints"
    if not case.trial.calls:
        return case.result(OTHER_CALLS.name, Verdict.UNKNOWN, "no call was journalled", threshold)
    others = Counter(call.path for call in case.trial.calls if not call.primary)
    listed = ", ".join(f"{count} of {path}" for path, count in sorted(others.items()))
    verdict = Verdict.PASS if others.total() <= expected.count else case.missed
    measured = f"{others.total()} of {len(case.trial.calls)} calls" + (f": {listed}" if listed else "")
    return case.result(OTHER_CALLS.name, verdict, measured, threshold)


OTHER_CALLS = Check("calls of other endpoints", check, OtherCallsAtMost, key="other_calls_at_most")
