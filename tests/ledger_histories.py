"""Histories of whole trials, valid ones, and what can be planted in them: for the tests of the ledger.

No test module itself. A history is what a faultless worker may leave behind: messages confirmed or not, processed at
once or after calls that failed or were cut by a kill, deferred, given up or dead-lettered.
"""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from harness.record import (
    CallOutcome,
    DependencyCall,
    Drain,
    Outcome,
    Publish,
    QueueKind,
    QueueLeft,
    QueueSample,
    Role,
    TrialRecord,
)

WORK, DEAD = "conversation_events_processing", "conversation_events_processing.dead"
DUE = "2026-01-01 18:00:00"
UNSEEN, PROCESSED, SCHEDULED, GIVEN_UP, DEAD_LETTERED = "unseen", "processed", "scheduled", "given up", "dead-lettered"
# Modes and ends of calls by which pika-mem0 stored nothing, 200 of a lie among them.
BAD_CALLS = (
    ("hang_then_500", 500, "answered"),
    ("hang_forever", None, "client_gone"),
    ("answer", None, "client_gone"),
    ("answer", None, "open"),
    ("truncated_json", 200, "answered"),
    ("wrong_type", 200, "answered"),
    ("status", 503, "answered"),
    ("reset_mid_body", None, "reset"),
)
GOOD_MODES = ("answer", "answer", "drip_body", "huge")


@dataclass(frozen=True)
class Incarnation:
    """One message's incarnation: whether the broker confirmed it, where it ended, what its calls met."""

    is_confirmed: bool
    end: str
    bad_calls: tuple[tuple[str, int | None, str], ...]
    good_mode: str


def _ends_somewhere(incarnation: Incarnation) -> bool:
    return not incarnation.is_confirmed or incarnation.end != UNSEEN


LIVES = st.builds(
    Incarnation,
    is_confirmed=st.booleans(),
    end=st.sampled_from((PROCESSED, SCHEDULED, GIVEN_UP, DEAD_LETTERED, UNSEEN)),
    bad_calls=st.lists(st.sampled_from(BAD_CALLS), max_size=3).map(tuple),
    good_mode=st.sampled_from(GOOD_MODES),
).filter(_ends_somewhere)
# One message at the least is confirmed and has a row: without either a ledger proves nothing.
HISTORIES = st.lists(LIVES, max_size=10).map(
    lambda incarnations: trial_of([Incarnation(True, PROCESSED, (), "answer"), *incarnations])
)


def trial_of(incarnations: list[Incarnation]) -> TrialRecord:
    """Return the record of a trial in which these messages lived, and in which one seeded event was never published."""
    rows, calls, dead = [Outcome("never-published", "PENDING", None, 0, None)], [], []
    publishes = []
    for number, incarnation in enumerate(incarnations):
        name, sent_s = f"c-{number:02d}", number * 0.5
        publishes.append(Publish(name, sent_s, sent_s, sent_s + 0.1 if incarnation.is_confirmed else None, 1000, None))
        met = incarnation.bad_calls if incarnation.end != UNSEEN else ()
        if incarnation.end == PROCESSED:
            met = (*met, (incarnation.good_mode, 200, "answered"))
        calls += [call(name, attempt, sent_s, *each) for attempt, each in enumerate(met, start=1)]
        row = {
            PROCESSED: Outcome(name, "PROCESSED", None, 0, None),
            SCHEDULED: Outcome(name, "FAILED", "MEMORY_API_TIMEOUT", 1, DUE),
            GIVEN_UP: Outcome(name, "PERMANENTLY_FAILED", "MEMORY_API_TIMEOUT", 5, None),
        }.get(incarnation.end, Outcome(name, "PENDING", None, 0, None))
        rows.append(row)
        if incarnation.end == DEAD_LETTERED:
            dead.append(name)
    return TrialRecord(
        arm="fixed",
        role=Role.AFTER,
        limit=None,
        publishes=tuple(publishes),
        calls=tuple(calls),
        outcomes=tuple(rows),
        queue=(QueueSample(1.0, 0, 0, len(calls), len(incarnations)),),
        queues=(QueueLeft(WORK, QueueKind.WORK, 0, ()), QueueLeft(DEAD, QueueKind.ASIDE, len(dead), tuple(dead))),
        drain=Drain(complete=True, waited_s=2.0, last_seen="0 ready, 0 unacknowledged, 0 calls open"),
    )


def call(name: str, attempt: int, sent_s: float, mode: str, status: int | None, outcome: str) -> DependencyCall:
    """Return one call of ``/extract_facts``, a second after the one before."""
    good = (status, outcome) == (200, "answered") and mode in {"answer", "drip_headers", "drip_body", "huge"}
    return DependencyCall(
        "/extract_facts", name, attempt, mode, status, sent_s + attempt, 0.5, CallOutcome(outcome), good
    )


def outcome_taken(trial: TrialRecord, name: str, how: int) -> TrialRecord:
    """Plant a loss: whatever showed for the message is gone, in one of three ways."""
    others = tuple(row for row in trial.outcomes if row.message_id != name)
    left = ((), (Outcome(name, "PROCESSING", None, 0, None),), (Outcome(name, "FAILED", "X", 1, None),))[how % 3]
    work, dead = trial.queues or ()
    kept = tuple(each for each in dead.message_ids if each != name)
    return replace(trial, outcomes=(*others, *left), queues=(work, replace(dead, messages=len(kept), message_ids=kept)))


def side_effect_repeated(trial: TrialRecord, name: str, how: int) -> TrialRecord:
    """Plant a duplicate: pika-mem0 stored the message's facts once more."""
    again = call(name, 9, 20.0, GOOD_MODES[how % len(GOOD_MODES)], 200, "answered")
    return replace(trial, calls=(*trial.calls, again))


def side_effect_taken(trial: TrialRecord, name: str, _how: int) -> TrialRecord:
    """Plant a phantom_success success: the row says PROCESSED, and pika-mem0 was never called well for it."""
    calls = tuple(each for each in trial.calls if each.message_id != name or each.outcome != "answered")
    return replace(trial, calls=calls)


def ghost_added(trial: TrialRecord, name: str, how: int) -> TrialRecord:
    """Plant a ghost: a row with an outcome, a call, or a dead letter of a message that nobody published."""
    work, dead = trial.queues or ()
    if how % 3 == 0:
        return replace(trial, outcomes=(*trial.outcomes, Outcome(name, "PROCESSED", None, 0, None)))
    if how % 3 == 1:
        return replace(trial, calls=(*trial.calls, call(name, 1, 20.0, "hang_then_500", 500, "answered")))
    more = (*dead.message_ids, name)
    return replace(trial, queues=(work, replace(dead, messages=len(more), message_ids=more)))
