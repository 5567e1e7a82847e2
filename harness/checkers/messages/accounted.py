"""Was nothing lost, and nothing done twice? The ledger of ``harness.ledger``, judged.

Every message that the broker confirmed ends processed, failed with its retry scheduled, permanently failed or
dead-lettered; the worker handles nothing that was never published; the dependency does each processed message's side
effect once. Messages delivered or called again are counted, no more. A ledger that proves nothing is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check
from harness.fields.strict import Strict
from harness.ledger import OutcomeKind, account_of
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.ledger import Account
    from harness.record import CheckResult

_SHOWN_MAX = 5
_THRESHOLD = "none lost, none unexpected, no side effect twice or missing"
_NO_STORE = (
    "The harness can read no store of this worker's outcomes. Expect all_answered, which judges it from outside."
)
_FAILED = (OutcomeKind.FAILED_SCHEDULED, OutcomeKind.PERMANENTLY_FAILED)


class AllAccounted(Strict):
    """Every confirmed message is processed, or failed with its retry scheduled."""


def check(case: Case) -> CheckResult:
    """Pass where the ledger is sound and no message breaks a promise; unknown where it proves nothing."""
    account = account_of(case.trial)
    measured = _measured(account)
    if not case.trial.outcomes_stored:
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, _THRESHOLD, _NO_STORE)
    if account.unsound:
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, _THRESHOLD, f"{'; '.join(account.unsound)}.")
    broken = [said for said in (_said(*kind) for kind in _kinds(account)) if said]
    if not broken:
        return case.result(CHECK.name, Verdict.PASS, measured, _THRESHOLD)
    return case.result(CHECK.name, case.missed, measured, _THRESHOLD, f"{'; '.join(broken)}.")


def _kinds(account: Account) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("lost", tuple(f"{each.message_id} ({each.status or 'no row'})" for each in account.of(OutcomeKind.LOST))),
        ("unexpected", tuple(each.message_id for each in account.of(OutcomeKind.UNEXPECTED))),
        ("duplicated", tuple(f"{each.message_id} ({each.side_effects} times)" for each in account.duplicated)),
        ("processed without an answer of the dependency", tuple(each.message_id for each in account.phantom_success)),
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


CHECK = Check("messages accounted for", check, AllAccounted, key="all_accounted")
