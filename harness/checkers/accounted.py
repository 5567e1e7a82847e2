"""Is every confirmed message accounted for: processed, or failed with its retry scheduled?

Jepsen's total-queue over the worker's own table: *lost* is confirmed by the broker and left without an outcome,
*unexpected* is finished and was never published. Sound only after a complete drain, and with the table read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.results import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.results import CheckResult, EventRow

NAME = "messages accounted for"
_SHOWN_MAX = 5
_LEDGER = ("publishes.jsonl", "rows.json")  # a line missing in one of them looks like a loss in the other


def is_settled(row: EventRow) -> bool:
    """Return whether this row is an outcome that loses nothing."""
    if row.status == "FAILED":
        return row.next_attempt_at is not None
    return row.status in ("PROCESSED", "PERMANENTLY_FAILED")


def check(case: Case) -> CheckResult:
    """Pass where each confirmed message has a settled row, and no other has; unknown where that can't be told."""
    trial = case.trial
    threshold = "every confirmed message processed, or FAILED with its retry scheduled"
    attempted = {publish.conversation_id for publish in trial.publishes}
    confirmed = {publish.conversation_id for publish in trial.publishes if publish.confirmed_s is not None}
    rows = {row.conversation_id: row for row in trial.rows}
    settled = {name for name, row in rows.items() if is_settled(row)}
    processed = sum(rows[name].status == "PROCESSED" for name in confirmed & settled)
    failed = len(confirmed & settled) - processed
    measured = f"{processed} processed + {failed} failed with a retry, of {len(confirmed)} confirmed"
    if (doubt := _doubt(case, confirmed)) is not None:
        return case.result(NAME, Verdict.UNKNOWN, measured, threshold, doubt)
    lost, unexpected = sorted(confirmed - settled), sorted(settled - attempted)
    if not lost and not unexpected:
        return case.result(NAME, Verdict.PASS, measured, threshold)
    shown = [f"{name} ({rows[name].status if name in rows else 'no row'})" for name in (lost or unexpected)]
    kind = "Lost" if lost else "Finished, but never published"
    return case.result(
        NAME,
        case.missed,
        f"{measured}; {len(lost)} lost, {len(unexpected)} unexpected",
        threshold,
        f"{kind}, first: {', '.join(shown[:_SHOWN_MAX])}.",
    )


def _doubt(case: Case, confirmed: set[str]) -> str | None:
    """Say why the record does not suffice to judge by; None where it does."""
    trial = case.trial
    if trial.drain is None or not trial.drain.complete:
        return f"The queues were not drained: {trial.drain.last_seen if trial.drain else 'the trial was cut off'}."
    if torn := [said for said in trial.damaged if said.startswith(_LEDGER)]:
        return f"The ledger is not whole: {torn[0]}."
    if not confirmed:
        return "Nothing was confirmed."
    if not trial.rows:
        return "rows.json is missing or empty."
    if case.spec.worker.command is not None and all(row.status == "PENDING" for row in trial.rows):
        return "This command does not write conversation_events. Expect all_answered, which judges it from outside."
    return None
