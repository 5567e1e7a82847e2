"""Was every confirmed message answered by the dependency with a success, and acknowledged? Judged from outside.

For a worker that writes no table of ours: the publishers' journal says what was promised, the dependency's own journal
what was answered, the broker's count what was acknowledged, the queues in the end where the rest lies. Which message an
acknowledgement was for can't be seen, so they are counted; a worker that gives a message up and records that somewhere
else is the table's to judge, not this one's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check
from harness.checkers.messages.tries import calls_by_message
from harness.fields.strict import Strict
from harness.record import EndedBy, QueueKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord

_LEDGER = ("publishes.jsonl", "calls.jsonl", "queue.csv")
_SHOWN_MAX = 5
_STUCK_S_MIN = 3.0  # of real time without progress: the broker's counts lag by one, and are asked for every half
_WELL_SHARE_MIN = 0.5  # of the calls that meet a plain answer: a dependency that is well enough to get on with


class AllAnswered(Strict):
    """Every confirmed message was answered by the dependency with a success and acknowledged, as seen from outside.

    A worker that finishes nothing throughout the drain, with messages in hand or before it and a dependency that
    answers, is stuck: a failure. `recovers` bounds how long it may take instead.
    """


def check(case: Case) -> CheckResult:
    """Pass where each confirmed message has a successful call and as many were acknowledged; unknown if untold."""
    trial = case.trial
    threshold = "every confirmed message answered by the dependency and acknowledged"
    confirmed = {publish.message_id for publish in trial.publishes if publish.confirmed_s is not None}
    successes = [call.message_id for call in trial.calls if call.is_success]
    unanswered = confirmed - {name for name in successes if name is not None}
    acked = trial.queue[-1].acked if trial.queue else 0
    again = sum(name in confirmed for name in successes) - (len(confirmed) - len(unanswered))
    called_again = sum(count - 1 for name, count in calls_by_message(trial).items() if name in confirmed)
    measured = (
        f"{len(confirmed) - len(unanswered)} answered, {acked} acknowledged, of {len(confirmed)} confirmed;"
        f" {called_again} called again, {again} of them answered well again"
    )
    if stuck := _stuck(case):
        return case.result(CHECK.name, case.missed, measured, threshold, stuck)
    if (doubt := _doubt(case, confirmed)) is not None:
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, doubt)
    if unanswered:
        where = [*_whereabouts(trial, unanswered)]
        measured += f"; {', '.join(f'{len(names)} {place}' for place, names in where)}"
        detail = " ".join(f"{place.capitalize()}, first: {', '.join(names[:_SHOWN_MAX])}." for place, names in where)
        return case.result(CHECK.name, case.missed, measured, threshold, f"Never answered. {detail}")
    if acked >= len(confirmed):
        return case.result(CHECK.name, Verdict.PASS, measured, threshold)
    if len(trial.incarnations) > 1:
        detail = (
            "Fewer acknowledgements than messages, but a worker ended: the broker may not have counted its last ones."
        )
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, detail)
    detail = "Messages left the queue without an acknowledgement: rejected, expired, or consumed with auto-ack."
    return case.result(CHECK.name, case.missed, measured, threshold, detail)


def _whereabouts(trial: TrialRecord, names: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield where the messages of these names are in the end, place by place: in a queue, or lost."""
    left = set(names)
    for queue in trial.queues or ():
        here = sorted(left & {name for name in queue.message_ids if name is not None})
        if here:
            word = "waiting" if queue.kind is QueueKind.WAITING else "aside" if not queue.still_moves else "still"
            yield f"{word} in {queue.name}", here
        left -= set(here)
    if left:
        yield "lost", sorted(left)


def _stuck(case: Case) -> str | None:
    """Say that the worker finished nothing throughout the drain, though it could have; None where that is not so."""
    trial, drain = case.trial, case.trial.drain
    if drain is None or drain.complete or not trial.queue or not trial.incarnations:
        return None
    last_s = trial.queue[-1].t_s
    ended_s = next((event.t_s for event in trial.events if event.kind == "drain_ended"), last_s)
    began_s = ended_s - drain.waited_s
    during = [sample for sample in trial.queue if began_s <= sample.t_s <= ended_s]
    if len(during) < 2 or during[-1].t_s - during[0].t_s < _STUCK_S_MIN:  # noqa: PLR2004 - a difference takes two
        return None
    last = trial.incarnations[-1]
    alive = last.ended_by == EndedBy.HARNESS and last.started_s < began_s
    well = not case.phases or sum(case.phases[-1].faulty_shares.values()) <= 1 - _WELL_SHARE_MIN
    idle_calls = not any(call.arrived_s >= during[0].t_s for call in trial.calls)
    unfinished = min(sample.ready + sample.unacked for sample in during)
    if not (alive and well and idle_calls and unfinished) or during[-1].acked > during[0].acked:
        return None
    left = f"{during[-1].unacked} messages unacknowledged, {during[-1].ready} ready"
    return (
        f"The worker is stuck: {left}, and none finished or called for in the {ended_s - began_s:.0f} s of the drain,"
        " while the dependency answers. Expect recovers to bound how long it may take."
    )


def _doubt(case: Case, confirmed: set[str]) -> str | None:
    """Say why the record does not suffice to judge by; None where it does."""
    if case.undrained is not None:
        return f"The queues were not drained: {case.undrained}."
    if torn := [said for said in case.trial.damaged if said.startswith(_LEDGER)]:
        return f"The ledger is not whole: {torn[0]}."
    if not confirmed:
        return "Nothing was confirmed."
    return None if case.trial.queue else "The broker's counts were never read."


CHECK = Check("messages answered", check, AllAnswered, key="all_answered")
