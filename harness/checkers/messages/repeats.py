"""Is work that was done already done again: a side effect that happens twice?

Counts the messages for which the dependency gave more than one good answer.
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


class Repeats(Strict):
    """Work that was done already is done again: the dependency answers well twice for so many messages."""

    messages_at_least: Annotated[Whole, Field(ge=1)]


def check(case: Case, expected: Repeats) -> CheckResult:
    """Pass where at least so many messages were answered twice; unknown without any answer."""
    threshold = f"at least {expected.messages_at_least} messages answered twice or more"
    answers = Counter(call.message_id for call in case.trial.calls if call.is_success)
    if not answers:
        return case.result(CHECK.name, Verdict.UNKNOWN, "no call was ever answered", threshold)
    twice = sum(count > 1 for count in answers.values())
    detail = "" if twice >= expected.messages_at_least else "This worker repeats less than is known of it."
    verdict = Verdict.PASS if twice >= expected.messages_at_least else case.missed
    return case.result(CHECK.name, verdict, f"{twice} of {len(answers)} answered messages", threshold, detail)


CHECK = Check("work repeated", check, Repeats, key="repeats", only_failing=True)
