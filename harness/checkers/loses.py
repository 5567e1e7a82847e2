"""Does the worker lose messages: confirmed by the broker, and in nobody's hands when everything is over?

What ``harness.ledger`` calls lost, asked of the arms that are known to lose; ``accounted`` judges those that must not.
A ledger that proves nothing is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.ledger import OutcomeKind, account_of
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult
    from harness.scenario.expectations import Loses

NAME = "messages lost"
_SHOWN_MAX = 5


def check(case: Case, expected: Loses) -> CheckResult:
    """Pass where at least so many confirmed messages are lost; unknown where the ledger is not sound."""
    threshold = f"at least {expected.messages_at_least} lost"
    account = account_of(case.trial)
    lost = account.of(OutcomeKind.LOST)
    measured = f"{len(lost)} lost, of {account.confirmed} confirmed"
    if account.unsound:
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, f"{'; '.join(account.unsound)}.")
    if len(lost) < expected.messages_at_least:
        return case.result(NAME, case.missed, measured, threshold, "This worker loses less than is known of it.")
    named = ", ".join(f"{each.message_id} ({each.status or 'no row'})" for each in lost[:_SHOWN_MAX])
    return case.result(NAME, Verdict.PASS, measured, threshold, f"First: {named}.")
