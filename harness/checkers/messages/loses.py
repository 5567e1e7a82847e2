"""Does the worker lose messages: confirmed by the broker, and in nobody's hands when everything is over?

What ``harness.ledger`` calls lost, asked of the arms that are known to lose; ``accounted`` judges those that must not.
A ledger that proves nothing is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.ledger import OutcomeKind, account_of
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult

_SHOWN_MAX = 5


class Loses(Strict):
    """Messages that the broker confirmed are lost, so many: what no retry job will ever see again."""

    messages_at_least: Annotated[Whole, Field(ge=1)]


def check(case: Case, expected: Loses) -> CheckResult:
    """Pass where at least so many confirmed messages are lost; unknown where the ledger is not sound."""
    threshold = f"at least {expected.messages_at_least} lost"
    account = account_of(case.trial)
    lost = account.of(OutcomeKind.LOST)
    measured = f"{len(lost)} lost, of {account.confirmed} confirmed"
    if account.unsound:
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, f"{'; '.join(account.unsound)}.")
    if len(lost) < expected.messages_at_least:
        return case.result(CHECK.name, case.missed, measured, threshold, "This worker loses less than is known of it.")
    named = ", ".join(f"{each.message_id} ({each.status or 'no row'})" for each in lost[:_SHOWN_MAX])
    return case.result(CHECK.name, Verdict.PASS, measured, threshold, f"First: {named}.")


CHECK = Check("messages lost", check, Loses, key="loses", only_failing=True)
