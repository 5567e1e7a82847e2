"""Which prefetch was really in force?

Asked of the broker, not of the worker's configuration: what was configured is judged nowhere.
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


class EffectivePrefetch(Strict):
    """The prefetch that the broker says is in force; 0 is unlimited."""

    equals: Annotated[Whole, Field(ge=0)]


def check(case: Case, expected: EffectivePrefetch) -> CheckResult:
    """Pass where every consumer the broker reported had the expected prefetch; 0 is unlimited."""
    threshold = "unlimited (0)" if expected.equals == 0 else str(expected.equals)
    seen = case.trial.effective_prefetch
    if not seen:
        return case.result(CHECK.name, Verdict.UNKNOWN, "the broker never reported a consumer", threshold)
    measured = ", ".join("unlimited (0)" if count == 0 else str(count) for count in sorted(set(seen)))
    verdict = Verdict.PASS if set(seen) == {expected.equals} else case.missed
    return case.result(CHECK.name, verdict, f"{measured}, by the management API", threshold)


CHECK = Check("effective prefetch", check, EffectivePrefetch, key="effective_prefetch")
