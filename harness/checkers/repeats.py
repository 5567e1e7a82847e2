"""Is work that was done already done again: a side effect that happens twice?

Counts the messages for which pika-mem0 gave more than one good answer. Each of them stored its facts twice.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.checkers.failures import is_good
from harness.ledger import EXTRACT_FACTS
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult
    from harness.scenario.expectations import Repeats

NAME = "work repeated"


def check(case: Case, expected: Repeats) -> CheckResult:
    """Pass where at least so many messages were answered twice; unknown without any answer."""
    threshold = f"at least {expected.messages_at_least} messages answered twice or more"
    answers = Counter(call.message_id for call in case.trial.calls if call.path == EXTRACT_FACTS and is_good(call))
    if not answers:
        return case.result(NAME, Verdict.UNKNOWN, "no call was ever answered", threshold)
    twice = sum(count > 1 for count in answers.values())
    detail = "" if twice >= expected.messages_at_least else "This worker repeats less than is known of it."
    verdict = Verdict.PASS if twice >= expected.messages_at_least else case.missed
    return case.result(NAME, verdict, f"{twice} of {len(answers)} answered messages", threshold, detail)
