"""One message's outcome and story, case by case: each outcome has its message, and each moment its place."""

from dataclasses import replace

import pytest

from harness.ledger import OutcomeKind, account_of, story_of
from harness.record import (
    Alert,
    CallOutcome,
    DependencyCall,
    Event,
    Outcome,
    Publish,
    QueueKind,
    QueueLeft,
    TrialRecord,
)
from tests.drill_records import AFTER, BEFORE, KILL_S, RESTART_S, incarnation, killed, trial
from tests.ledger_histories import DEAD, WORK

SENT_S = 28.0


def one(*calls: DependencyCall, row: Outcome | None = None, **changes: object) -> TrialRecord:
    """Return the incident's trial with one message ``m`` alone, sent at 28 s, four seconds before the kill."""
    record = trial(
        BEFORE,
        publishes=(Publish("m", SENT_S, SENT_S + 0.2, SENT_S + 0.3, 3_000_000, None),),
        calls=calls,
        outcomes=(row,) if row else (),
        incarnations=(killed(), incarnation(1, started_s=RESTART_S)),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def outcome_of(record: TrialRecord) -> OutcomeKind:
    """Return the outcome of the one message."""
    (message,) = account_of(record).messages
    return message.outcome


CUT = DependencyCall(
    "/extract_facts", "m", 1, "hang_forever", None, 30.0, KILL_S - 30.0 - 0.01, CallOutcome.CLIENT_GONE
)
GOOD = DependencyCall("/extract_facts", "m", 2, "answer", 200, 41.0, 0.2, CallOutcome.ANSWERED, good=True)


class TestFates:
    """``account_of``: where a message ended."""

    @pytest.mark.parametrize(
        ("row", "outcome"),
        [
            (Outcome("m", "PROCESSED", None, 0, None), OutcomeKind.PROCESSED),
            (Outcome("m", "FAILED", "X", 1, "2026-01-01 18:00:00"), OutcomeKind.FAILED_SCHEDULED),
            (Outcome("m", "FAILED", "X", 1, None), OutcomeKind.LOST),
            (Outcome("m", "PERMANENTLY_FAILED", "X", 5, None), OutcomeKind.PERMANENTLY_FAILED),
            (Outcome("m", "PENDING", None, 0, None), OutcomeKind.LOST),
            (None, OutcomeKind.LOST),
        ],
    )
    def test_the_row_decides(self, row: Outcome | None, outcome: OutcomeKind) -> None:
        """Guarantees that FAILED without a due date is no outcome: nobody will ever look at it again."""
        assert outcome_of(one(row=row)) is outcome

    @pytest.mark.parametrize(("name", "outcome"), [(DEAD, OutcomeKind.DEAD_LETTERED), (WORK, OutcomeKind.STILL_QUEUED)])
    def test_a_message_that_a_queue_holds_is_not_lost(self, name: str, outcome: OutcomeKind) -> None:
        """Guarantees that a dead letter is an outcome, and a queued message no loss; but then nothing is proved."""
        record = one(queues=(QueueLeft(name, QueueKind.WORK if name == WORK else QueueKind.ASIDE, 1, ("m",)),))

        assert outcome_of(record) is outcome
        assert any("held 1 messages" in said for said in account_of(record).unsound) is (name == WORK)

    def test_a_row_outweighs_what_a_queue_holds(self) -> None:
        """Guarantees one outcome a message: a processed one whose acknowledgement was lost is processed."""
        row = Outcome("m", "PROCESSED", None, 0, None)
        assert outcome_of(one(row=row, queues=(QueueLeft(WORK, QueueKind.WORK, 1, ("m",)),))) is OutcomeKind.PROCESSED

    def test_without_a_confirm_nothing_is_promised_and_an_outcome_is_recovered(self) -> None:
        """Guarantees that only what the broker confirmed can be lost."""
        unconfirmed = (Publish("m", SENT_S, SENT_S, None, 1000, "nacked"),)
        row = Outcome("m", "PROCESSED", None, 0, None)
        (message,) = account_of(one(GOOD, row=row, publishes=unconfirmed)).messages

        assert outcome_of(one(publishes=unconfirmed)) is OutcomeKind.UNCONFIRMED
        assert message.recovered

    def test_dead_letters_that_were_not_all_read_prove_nothing(self) -> None:
        """Guarantees that a message in the part that nobody read is not called lost."""
        account = account_of(one(queues=(QueueLeft(DEAD, QueueKind.ASIDE, 900, ("m",)),)))
        assert f"only 1 of the 900 messages in {DEAD} were read" in account.unsound

    def test_calls_are_counted_apart_from_side_effects(self) -> None:
        """Guarantees that a call which failed, or lied, is no side effect, and that one repeated is a duplicate."""
        lie = replace(CUT, mode="truncated_json", status=200, outcome=CallOutcome.ANSWERED)
        row = Outcome("m", "PROCESSED", None, 0, None)
        (once,) = account_of(one(CUT, lie, GOOD, row=row)).messages
        (twice,) = account_of(one(GOOD, GOOD, row=row)).messages

        assert (once.calls, once.side_effects, once.duplicated) == (3, 1, False)
        assert (twice.calls, twice.side_effects, twice.duplicated) == (2, 2, True)


class TestStory:
    """``story_of``: what happened to one message, in order."""

    def test_a_redelivery_after_a_kill_is_told_in_order(self) -> None:
        """Guarantees the whole chain.

        Publish, confirm, the cut call, the kill, a new incarnation, the new call, the row.
        """
        record = one(
            CUT,
            GOOD,
            row=Outcome("m", "PROCESSED", None, 0, None),
            events=(Event(40.0, "phase_entered", {"phase": "recovery"}), Event(49.0, "trial_ended")),
            alerts=(Alert("EXTERNAL_API_TIMEOUT", "HIGH", "given_up", 35.0, "m", "timed out"),),
        )
        story = story_of(record, account_of(record), "m")

        assert story is not None
        assert [moment.kind for moment in story.moments] == [
            *["published", "confirmed", "call_began", "call_ended", "worker_ended", "worker_started", "alert"],
            *["phase_entered", "call_began", "call_ended", "row"],
        ]
        assert "cut by the end of incarnation 0 (kernel)" in story.moments[3].text
        assert "by incarnation 1 of the worker, redelivered" in story.moments[8].text
        assert story.verdicts == ("processed",)

    def test_a_call_that_the_worker_gave_up_is_not_laid_at_the_kills_door(self) -> None:
        """Guarantees that a timeout two seconds before the kill stays the worker's own."""
        given_up = replace(CUT, duration_s=0.1)
        record = one(given_up)
        story = story_of(record, account_of(record), "m")

        assert story is not None
        assert not any("cut by the end" in moment.text for moment in story.moments)
        assert story.verdicts == ("lost",)

    def test_a_dead_letter_ends_the_story(self) -> None:
        """Guarantees that the last thing told is where the message is now."""
        record = one(queues=(QueueLeft(DEAD, QueueKind.ASIDE, 1, ("m",)),))
        story = story_of(record, account_of(record), "m")

        assert story is not None
        assert [moment.kind for moment in story.moments[-2:]] == ["row", "dead_letter"]

    def test_a_message_that_waits_for_its_time_is_not_lost(self) -> None:
        """Guarantees that the ledger knows the queue that holds it, and proves nothing before it came back."""
        record = one(queues=(QueueLeft("work.wait", QueueKind.WAITING, 1, ("m",)),))
        account = account_of(record)
        story = story_of(record, account, "m")

        assert [(each.outcome, each.lies_in) for each in account.messages] == [(OutcomeKind.WAITING, "work.wait")]
        assert "the queues were not drained: work.wait held 1 messages in the end" in account.unsound
        assert story is not None
        assert [moment.kind for moment in story.moments[-2:]] == ["row", "waiting"]

    def test_of_a_stranger_there_is_no_story(self) -> None:
        """Guarantees that an id which the record does not know is not made up."""
        record = trial(AFTER)
        assert story_of(record, account_of(record), "nobody") is None
