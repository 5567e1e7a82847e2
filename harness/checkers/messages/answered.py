"""Was every confirmed message answered by the dependency with a success, and acknowledged? Judged from outside.

For a worker that writes no table of ours: the publishers' journal says what was promised, the dependency's own journal
what was answered, the broker's count what was acknowledged. Which message an acknowledgement was for can't be seen, so
they are counted; a worker that gives a message up and records that somewhere else is the table's to judge, not this
one's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check
from harness.fields.strict import Strict
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord

_LEDGER = ("publishes.jsonl", "calls.jsonl", "queue.csv")
_SHOWN_MAX = 5


class AllAnswered(Strict):
    """Every confirmed message was answered by the dependency with a success and acknowledged, as seen from outside."""


def check(case: Case) -> CheckResult:
    """Pass where each confirmed message has a successful call and as many were acknowledged; unknown if untold."""
    trial = case.trial
    threshold = "every confirmed message answered by the dependency and acknowledged"
    confirmed = {publish.message_id for publish in trial.publishes if publish.confirmed_s is not None}
    successes = [call.message_id for call in trial.calls if call.is_success]
    unanswered = sorted(confirmed - {name for name in successes if name is not None})
    acked = trial.queue[-1].acked if trial.queue else 0
    again = sum(name in confirmed for name in successes) - (len(confirmed) - len(unanswered))
    measured = (
        f"{len(confirmed) - len(unanswered)} answered, {acked} acknowledged, of {len(confirmed)} confirmed;"
        f" {again} answered again"
    )
    if (doubt := _doubt(trial, confirmed)) is not None:
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, doubt)
    if unanswered:
        detail = f"Never answered, first: {', '.join(unanswered[:_SHOWN_MAX])}."
        return case.result(CHECK.name, case.missed, f"{measured}; {len(unanswered)} lost", threshold, detail)
    if acked >= len(confirmed):
        return case.result(CHECK.name, Verdict.PASS, measured, threshold)
    if len(trial.incarnations) > 1:
        detail = (
            "Fewer acknowledgements than messages, but a worker died: the broker may not have counted its last ones."
        )
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, detail)
    detail = "Messages left the queue without an acknowledgement: rejected, expired, or consumed with auto-ack."
    return case.result(CHECK.name, case.missed, measured, threshold, detail)


def _doubt(trial: TrialRecord, confirmed: set[str]) -> str | None:
    """Say why the record does not suffice to judge by; None where it does."""
    if trial.drain is None or not trial.drain.complete:
        return f"The queues were not drained: {trial.drain.last_seen if trial.drain else 'the trial was cut off'}."
    if torn := [said for said in trial.damaged if said.startswith(_LEDGER)]:
        return f"The ledger is not whole: {torn[0]}."
    if not confirmed:
        return "Nothing was confirmed."
    return None if trial.queue else "The broker's counts were never read."


CHECK = Check("messages answered", check, AllAnswered, key="all_answered")
