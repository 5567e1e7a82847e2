"""What it takes for a failure to count as recorded: holes 7 and 8, and nothing lost."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from worker_under_test.alerts import Alerts
from worker_under_test.config_settings import load_settings
from worker_under_test.conversation_event_model import ConversationEvent
from worker_under_test.conversation_event_repository import ConversationEventRepository, RetryPolicy
from worker_under_test.database import SessionFactory, create_schema, open_database, session_factory
from worker_under_test.errors import DatabaseUnavailableError, DeadLetterError, OutcomeRefusedError
from worker_under_test.outcomes import Delivery, Failure, FailureKind, Settlement
from worker_under_test.remedies import bounded_queue, failure_record, other_error_outcome, timeout_outcome
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.bounded_queue import Admission
from worker_under_test.remedies.chosen import BY_PRESET
from worker_under_test.remedies.failure_record import OutcomeRecorder
from worker_under_test.remedies.retry_schedule import cap_then_jitter

TIMEOUT = Failure(FailureKind.TIMEOUT, "MEMORY_API_TIMEOUT", "no answer within 60 s")
BODY = b'{"conversation_id": "c-0", "user_id": "u", "bot_id": "b", "conversation_log": []}'
SETTINGS = load_settings({}, BY_PRESET["fixed"])


class Shelf:
    """A dead-letter queue in memory."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.letters: list[tuple[bytes, str]] = []
        self._is_broken = is_broken

    def put(self, body: bytes, reason: str) -> None:
        """Store the letter, or fail as a broker that does not confirm."""
        if self._is_broken:
            raise DeadLetterError("not confirmed")
        self.letters.append((body, reason))


@dataclass
class Store:
    """A database file, and the recorders that write to it."""

    path: Path
    sessions: SessionFactory
    policy: RetryPolicy
    stopping: threading.Event
    alerts: Alerts

    def recorder(self, behaviour: Behaviour, hold_s: float = 0.0) -> OutcomeRecorder:
        """Return the recorder of ``behaviour``."""
        return failure_record.choose(behaviour, self.sessions, self.policy, hold_s, self.stopping)

    def admission(self, behaviour: Behaviour) -> Admission:
        """Return the admission of ``behaviour``."""
        return bounded_queue.choose(behaviour, self.recorder(behaviour), self.alerts, Shelf(), SETTINGS)

    def add_row(self, status: str = "PENDING") -> None:
        """Store the event, as the API server does before it publishes."""
        with self.sessions.begin() as db:
            db.add(ConversationEvent(conversation_id="c-0", status=status))

    def row(self) -> ConversationEvent | None:
        """Return the event as it is stored."""
        with self.sessions(expire_on_commit=False) as db:
            return ConversationEventRepository(db, self.policy).get_by_conversation_id("c-0")

    def message(self) -> bytes | None:
        """Return the message kept for the retry job."""
        with self.sessions() as db:
            return ConversationEventRepository(db, self.policy).load_message("c-0")

    def break_table(self) -> None:
        """Take the table away: the database answers, and can't do what it is asked."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("ALTER TABLE conversation_events RENAME TO conversation_events_away")

    def refuse_new_rows(self) -> None:
        """Have the database refuse each new event for what is in it."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON conversation_events BEGIN SELECT RAISE(ABORT, 'no'); END"
            )

    def mend_table(self) -> None:
        """Bring the table back."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("ALTER TABLE conversation_events_away RENAME TO conversation_events")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database with the schema, and no event."""
    engine = open_database(f"sqlite:///{tmp_path}/events.db", connections_max=4)
    create_schema(engine, Behaviour.HARDENED)
    policy = RetryPolicy(cap_then_jitter, 6)
    alerts = Alerts(300, str(tmp_path / "alerts.jsonl"))
    yield Store(tmp_path / "events.db", session_factory(engine), policy, threading.Event(), alerts)
    engine.dispose()


def timed_out(store: Store, behaviour: Behaviour, hold_s: float = 0.0) -> Settlement:
    """Settle a message whose call timed out, as ``behaviour`` does."""
    outcome = timeout_outcome.choose(behaviour, store.recorder(behaviour, hold_s), store.alerts, SETTINGS)
    return outcome(Delivery(BODY, conversation_id="c-0"), TIMEOUT)


@pytest.mark.parametrize("behaviour", [Behaviour.REPORTED, Behaviour.HARDENED])
def test_a_timeout_marks_the_event_and_keeps_its_message(store: Store, behaviour: Behaviour) -> None:
    """Guarantees the report's outcome where nothing else is wrong: FAILED, a date, the message, and an ack."""
    store.add_row()
    assert timed_out(store, behaviour) is Settlement.ACK
    row = store.row()
    assert row is not None
    assert (row.status, row.error_code, row.retry_count) == ("FAILED", "MEMORY_API_TIMEOUT", 0)
    assert row.next_attempt_at is not None
    assert store.message() == BODY


def test_the_original_requeues_and_records_nothing(store: Store) -> None:
    """Guarantees the worker as it was."""
    store.add_row()
    assert timed_out(store, Behaviour.ORIGINAL) is Settlement.NACK_REQUEUE
    row = store.row()
    assert row is not None
    assert row.status == "PENDING"


def test_the_report_acknowledges_what_the_database_refused(store: Store) -> None:
    """Shows hole 7: acknowledged, and recorded nowhere. The message is lost."""
    store.add_row()
    store.break_table()
    assert timed_out(store, Behaviour.REPORTED) is Settlement.ACK
    store.mend_table()
    row = store.row()
    assert row is not None
    assert row.status == "PENDING"
    assert store.message() is None


def test_the_hardened_worker_gives_back_what_the_database_refused(store: Store) -> None:
    """Guarantees that an outcome which is not durable is no outcome: the broker keeps the message."""
    store.add_row()
    store.break_table()
    assert timed_out(store, Behaviour.HARDENED) is Settlement.REQUEUE_LATER


def test_the_report_loses_a_message_without_a_row(store: Store) -> None:
    """Shows hole 8: no row to mark, the message settled all the same."""
    assert timed_out(store, Behaviour.REPORTED) is Settlement.ACK
    assert store.row() is None
    assert store.message() is None


def test_the_hardened_worker_creates_the_missing_row(store: Store) -> None:
    """Guarantees that an event which the API server never stored is retried like any other."""
    assert timed_out(store, Behaviour.HARDENED) is Settlement.ACK
    row = store.row()
    assert row is not None
    assert row.status == "FAILED"
    assert store.message() == BODY


def test_a_row_that_the_database_will_never_take_is_told_from_an_outage(store: Store) -> None:
    """Guarantees that such a message does not go round for ever, and that the reason holds nothing of the row."""
    store.refuse_new_rows()
    with pytest.raises(OutcomeRefusedError, match="IntegrityError: the database refuses") as refusal:
        timed_out(store, Behaviour.HARDENED)
    assert "c-0" not in str(refusal.value)
    admission = store.admission(Behaviour.HARDENED)
    assert admission(Delivery(BODY), 80) is Settlement.REQUEUE_LATER


def test_a_database_that_comes_back_within_the_hold_is_waited_for(store: Store) -> None:
    """Guarantees that a short outage costs a wait, not a redelivery of 3 MB."""
    store.break_table()
    back = threading.Timer(0.3, store.mend_table)
    back.start()
    assert timed_out(store, Behaviour.HARDENED, hold_s=20) is Settlement.ACK
    back.join()
    assert store.row() is not None


def test_a_hold_ends_when_the_worker_stops(store: Store) -> None:
    """Guarantees that SIGTERM is not held up by a database that is away."""
    store.break_table()
    store.stopping.set()
    started_s = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        store.recorder(Behaviour.HARDENED, hold_s=60).durably(lambda repository: repository.get_or_create("c-0"))
    assert time.monotonic() - started_s < 10


def test_a_late_failure_does_not_undo_a_success(store: Store) -> None:
    """Guarantees that of two deliveries of one message the one that succeeded counts."""
    store.add_row("PROCESSED")
    assert timed_out(store, Behaviour.HARDENED) is Settlement.ACK
    row = store.row()
    assert row is not None
    assert row.status == "PROCESSED"
    assert store.message() is None


def test_backpressure_begins_at_eighty_waiting_messages_or_where_the_prefetch_can_reach(store: Store) -> None:
    """Guarantees the report's threshold, the hardened one, and that the original has none."""
    delivery = Delivery(BODY)
    for behaviour, limit in ((Behaviour.REPORTED, 80), (Behaviour.HARDENED, 10)):
        admission = store.admission(behaviour)
        assert admission(delivery, limit - 1) is None
        assert admission(delivery, limit) is not None
    original = store.admission(Behaviour.ORIGINAL)
    assert original(delivery, 10_000) is None


@pytest.mark.parametrize("prefetch", [1, 10, 20, 21, 30, 50, 90, 91, 200, 65_535])
def test_the_hardened_bound_can_be_reached_wherever_more_than_a_round_may_wait(prefetch: int) -> None:
    """Guarantees, against hole 13, that the bound acts, and never upon a burst that the threads are about to begin."""
    settings = replace(SETTINGS, prefetch_count=prefetch)
    limit, let_wait = bounded_queue.hardened_limit(settings), prefetch - settings.max_workers
    assert settings.max_workers <= limit <= settings.backpressure_limit
    assert limit < let_wait or let_wait <= settings.max_workers


def test_the_reports_backpressure_drops_a_message_without_a_row(store: Store) -> None:
    """Shows hole 8: nacked without requeue, no dead-letter exchange, no row: gone."""
    admission = store.admission(Behaviour.REPORTED)
    assert admission(Delivery(BODY), 80) is Settlement.NACK_DROP
    assert store.row() is None


def test_the_hardened_backpressure_drops_nothing(store: Store) -> None:
    """Guarantees QUEUE_FULL in a row of its own before the ack, and the broker for what can't be recorded at once."""
    admission = store.admission(Behaviour.HARDENED)
    assert admission(Delivery(BODY), 80) is Settlement.ACK
    row = store.row()
    assert row is not None
    assert (row.status, row.error_code) == ("FAILED", "QUEUE_FULL")
    store.break_table()
    assert admission(Delivery(BODY), 80) is Settlement.REQUEUE_LATER
    assert admission(Delivery(b"no conversation"), 80) is Settlement.REQUEUE_LATER


@pytest.mark.parametrize(
    ("kind", "reported", "hardened"),
    [
        (FailureKind.OTHER, Settlement.NACK_REQUEUE, Settlement.ACK),
        (FailureKind.DATABASE, Settlement.NACK_REQUEUE, Settlement.REQUEUE_LATER),
        (FailureKind.IN_HAND, Settlement.NACK_REQUEUE, Settlement.REQUEUE_LATER),
        (FailureKind.UNPARSEABLE, Settlement.NACK_REQUEUE, Settlement.ACK),
        (FailureKind.REFUSED, Settlement.NACK_REQUEUE, Settlement.ACK),
    ],
)
def test_any_other_failure_goes_round_for_ever_or_where_it_belongs(
    store: Store, kind: FailureKind, reported: Settlement, hardened: Settlement
) -> None:
    """Shows hole 5; guarantees that the hardened worker requeues only what says nothing of the message."""
    shelf = Shelf()
    failure = Failure(kind, "CODE", "details")
    for behaviour, expected in ((Behaviour.REPORTED, reported), (Behaviour.HARDENED, hardened)):
        outcome = other_error_outcome.choose(behaviour, store.recorder(behaviour), shelf)
        assert outcome(Delivery(BODY, conversation_id="c-0"), failure) is expected
    assert shelf.letters == ([(BODY, "details")] if kind in (FailureKind.UNPARSEABLE, FailureKind.REFUSED) else [])
    assert (store.row() is not None) is (kind is FailureKind.OTHER)


def test_a_dead_letter_that_is_not_confirmed_stays_with_the_broker(store: Store) -> None:
    """Guarantees that even an unparseable message is never nowhere."""
    outcome = other_error_outcome.choose(Behaviour.HARDENED, store.recorder(Behaviour.HARDENED), Shelf(is_broken=True))
    failure = Failure(FailureKind.UNPARSEABLE, "UNPARSEABLE_MESSAGE", "no JSON")
    assert outcome(Delivery(b"?"), failure) is Settlement.REQUEUE_LATER
