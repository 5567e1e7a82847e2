"""Was nothing lost, and nothing done twice? The ledger of ``harness.ledger``, judged.

Every message that the broker confirmed ends processed, failed with its retry scheduled, permanently failed or
dead-lettered; the worker handles nothing that was never published; pika-mem0 stores each processed message's facts
once. Messages delivered or called again are counted, no more. A ledger that proves nothing is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.ledger import OutcomeKind, account_of
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.ledger import Account
    from harness.record import CheckResult

NAME = "messages accounted for"
_SHOWN_MAX = 5
_THRESHOLD = "none lost, none unexpected, no side effect twice or missing"
_NO_TABLE = "This command does not write conversation_events. Expect all_answered, which judges it from outside."
_FAILED = (OutcomeKind.FAILED_SCHEDULED, OutcomeKind.PERMANENTLY_FAILED)


def check(case: Case) -> CheckResult:
    """Pass where the ledger is sound and no message breaks a promise; unknown where it proves nothing."""
    account = account_of(case.trial)
    measured = _measured(account)
    if case.spec.worker.command is not None and all(row.status == "PENDING" for row in case.trial.outcomes):
        return case.result(NAME, Verdict.UNKNOWN, measured, _THRESHOLD, _NO_TABLE)
    if account.unsound:
        return case.result(NAME, Verdict.UNKNOWN, measured, _THRESHOLD, f"{'; '.join(account.unsound)}.")
    broken = [said for said in (_said(*kind) for kind in _kinds(account)) if said]
    if not broken:
        return case.result(NAME, Verdict.PASS, measured, _THRESHOLD)
    return case.result(NAME, case.missed, measured, _THRESHOLD, f"{'; '.join(broken)}.")


def _kinds(account: Account) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("lost", tuple(f"{each.message_id} ({each.status or 'no row'})" for each in account.of(OutcomeKind.LOST))),
        ("unexpected", tuple(each.message_id for each in account.of(OutcomeKind.UNEXPECTED))),
        ("duplicated", tuple(f"{each.message_id} ({each.side_effects} times)" for each in account.duplicated)),
        ("processed without an answer of pika-mem0", tuple(each.message_id for each in account.phantom_success)),
    )


def _said(kind: str, names: tuple[str, ...]) -> str:
    return f"{len(names)} {kind}, first: {', '.join(names[:_SHOWN_MAX])}" if names else ""


def _measured(account: Account) -> str:
    """Return the ledger in one line: what became of the confirmed, then what is wrong, then what is only counted."""
    processed = len(account.of(OutcomeKind.PROCESSED))
    failed = sum(len(account.of(outcome)) for outcome in _FAILED)
    dead = len(account.of(OutcomeKind.DEAD_LETTERED)) + account.nameless
    ends = f"{processed} processed + {failed} failed + {dead} dead-lettered, of {account.confirmed} confirmed"
    wrong = {
        "lost": len(account.of(OutcomeKind.LOST)),
        "unexpected": len(account.of(OutcomeKind.UNEXPECTED)),
        "duplicated": len(account.duplicated),
        "phantom_success": len(account.phantom_success),
    }
    return f"{ends}; {', '.join(f'{number} {kind}' for kind, number in wrong.items())}"
