"""The remedies in detail: what is alerted, recorded and passed on, word by word, and who decides over a retry."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

from worker_under_test.alerts import AlertLevel, AlertType
from worker_under_test.config_settings import load_settings
from worker_under_test.conversation_event_model import ConversationEvent
from worker_under_test.database import create_schema, open_database, session_factory
from worker_under_test.errors import AlreadyInHandError, DatabaseUnavailableError
from worker_under_test.outcomes import Delivery, Failure, FailureKind, Settlement
from worker_under_test.remedies import (
    bounded_queue,
    chosen,
    clean_up,
    exception_retention,
    failure_record,
    retry_schedule,
    timeout_outcome,
)
from worker_under_test.remedies.behaviour import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from worker_under_test.conversation_event_repository import RetryPolicy

SETTINGS = load_settings({}, chosen.BY_PRESET["fixed"])
TIMEOUT = Failure(FailureKind.TIMEOUT, "MEMORY_API_TIMEOUT", "no answer within 60 s")
NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BODY = (
    b'{"conversation_id": "c-0", "user_id": "u-1", "bot_id": "b-1", "conversation_log": '
    b'[{"role": "user", "content": "xin chao", "timestamp": "2026-01-01T11:42:04Z"}]}'
)


@dataclass
class Bell:
    """Alerts in a list."""

    sent: list[tuple[AlertType, AlertLevel, str, dict[str, Any]]] = field(default_factory=list)

    def send_alert_safe(self, alert_type: AlertType, level: AlertLevel, message: str, context: dict[str, Any]) -> bool:
        """Keep it."""
        self.sent.append((alert_type, level, message, context))
        return True


@dataclass
class Book:
    """An outcome recorder in memory, which can record or can't."""

    can: bool = True
    error: Exception | None = None
    recorded: list[tuple[Any, ...]] = field(default_factory=list)

    def record_failed(self, conversation_id: str, failure: Failure, body: bytes, *, hold: bool = True) -> bool:
        """Keep what was to be recorded."""
        if self.error is not None:
            raise self.error
        self.recorded.append((conversation_id, failure.error_code, failure.error_details, body, hold))
        return self.can

    def durably(self, work: Callable[[Any], Any]) -> Any:
        """Nothing here is durable."""
        raise NotImplementedError


def bell_and_book(*, can: bool = True) -> tuple[Any, Any]:
    """Return an empty list of alerts and an empty record; untyped, as they stand in for larger things."""
    return Bell(), Book(can)


class Letters:
    """Dead letters in a list."""

    def __init__(self) -> None:
        self.put_there: list[tuple[bytes, str]] = []

    def put(self, body: bytes, reason: str) -> None:
        """Keep the letter."""
        self.put_there.append((body, reason))


class TestTimeouts:
    """The alert of a timeout, as incident.md section 4 wants it."""

    @pytest.mark.parametrize(
        ("can", "settlement", "said", "action"),
        [
            (True, Settlement.ACK, "event marked FAILED, left to the retry job", "marked_failed_no_requeue"),
            (False, Settlement.REQUEUE_LATER, "event not recorded, back to the broker", "requeued_later"),
        ],
    )
    def test_the_alert_says_what_became_of_the_message(
        self, can: bool, settlement: Settlement, said: str, action: str
    ) -> None:
        """Guarantees type, level, sentence and context of the alert, and that a mark which failed is not alerted."""
        bell, book = bell_and_book(can=can)
        outcome = timeout_outcome.choose(Behaviour.HARDENED, book, bell, SETTINGS)

        assert outcome(Delivery(BODY, conversation_id="c-0"), TIMEOUT) is settlement
        assert book.recorded == [("c-0", "MEMORY_API_TIMEOUT", "no answer within 60 s", BODY, True)]
        assert bell.sent == [
            (
                AlertType.EXTERNAL_API_TIMEOUT,
                AlertLevel.HIGH,
                f"Worker: Memory API timeout after 60 s | conversation_id=c-0 | {said}",
                {
                    "timeout_seconds": 60.0,
                    "conversation_id": "c-0",
                    "error_code": "MEMORY_API_TIMEOUT",
                    "action": action,
                },
            )
        ]

    def test_a_timeout_before_the_id_was_read_names_no_conversation(self) -> None:
        """Guarantees that an alert about a message without an id is sent all the same."""
        bell, book = bell_and_book()
        timeout_outcome.choose(Behaviour.REPORTED, book, bell, SETTINGS)(Delivery(BODY), TIMEOUT)
        assert bell.sent[0][3]["conversation_id"] == ""
        assert book.recorded[0][0] == ""


def admission(behaviour: Behaviour, book: Any, bell: Any, letters: Letters) -> bounded_queue.Admission:
    """Return the admission of ``behaviour``, over these."""
    return bounded_queue.choose(behaviour, book, bell, letters, SETTINGS)


class TestBackpressure:
    """The bounded queue: its alert, its record and what it does without one."""

    @pytest.mark.parametrize(
        ("behaviour", "waiting", "threshold", "settlement"),
        [(Behaviour.REPORTED, 80, 80, Settlement.NACK_DROP), (Behaviour.HARDENED, 12, 10, Settlement.ACK)],
    )
    def test_a_full_queue_is_alerted_and_recorded(
        self, behaviour: Behaviour, waiting: int, threshold: int, settlement: Settlement
    ) -> None:
        """Guarantees type, level, sentence and context of the alert, and that the I/O thread never holds."""
        bell, book = bell_and_book()

        assert admission(behaviour, book, bell, Letters())(Delivery(BODY), waiting) is settlement
        assert book.recorded == [("c-0", "QUEUE_FULL", f"Worker queue full: {waiting}/100", BODY, False)]
        assert bell.sent == [
            (
                AlertType.WORKFLOW_EXECUTION_FAILURE,
                AlertLevel.HIGH,
                f"Worker queue size exceeded threshold: {waiting}/100 ({waiting}.0%)",
                {
                    "queue_size": waiting,
                    "max_size": 100,
                    "threshold": threshold,
                    "error_code": "QUEUE_FULL",
                    "action": "backpressure_triggered",
                },
            )
        ]

    @pytest.mark.parametrize("behaviour", [Behaviour.REPORTED, Behaviour.HARDENED])
    def test_below_the_bound_nobody_hears_of_it(self, behaviour: Behaviour) -> None:
        """Guarantees that a queue which has room alerts nobody and records nothing."""
        bell, book = bell_and_book()
        assert admission(behaviour, book, bell, Letters())(Delivery(BODY), 9) is None
        assert (bell.sent, book.recorded) == ([], [])

    def test_what_cannot_be_recorded_or_read_goes_back_to_the_broker(self) -> None:
        """Guarantees that a full queue loses nothing: not without the database, not what it can't read."""
        for book, body in ((Book(can=False), BODY), (Book(), b"no conversation")):
            assert admission(Behaviour.HARDENED, book, Bell(), Letters())(Delivery(body), 80) is (
                Settlement.REQUEUE_LATER
            )

    def test_an_oversized_body_is_a_dead_letter_with_its_sizes(self) -> None:
        """Guarantees the bound itself, that it is asked before the queue's, and the reason that a person reads."""
        small = replace(SETTINGS, message_body_bytes_max=len(BODY) - 1)
        (bell, book), letters = bell_and_book(), Letters()
        hardened = bounded_queue.choose(Behaviour.HARDENED, book, bell, letters, small)

        assert hardened(Delivery(BODY), 80) is Settlement.ACK
        reason = f"the body has {len(BODY)} bytes; at most {len(BODY) - 1} are processed"
        assert letters.put_there == [(BODY, reason)]
        assert bell.sent == []
        whole = admission(Behaviour.HARDENED, Book(), bell, letters)
        assert whole(Delivery(BODY), 0) is None


class Service:
    """A processing service that notes what it is given."""

    def __init__(self) -> None:
        self.whole: list[tuple[Any, ...]] = []
        self.streamed: list[Any] = []

    def process_single_event_with_log(self, *given: Any) -> None:
        """Note it."""
        self.whole.append(given)

    def process_single_event_streamed(self, conversation: Any) -> None:
        """Note it."""
        self.streamed.append(conversation)


ROW = {"role": "user", "content": "xin chao", "timestamp": "2026-01-01T11:42:04Z"}


class TestHandlers:
    """The message handlers: what reaches the service."""

    @pytest.mark.parametrize("behaviour", [Behaviour.ORIGINAL, Behaviour.REPORTED])
    def test_a_whole_message_reaches_the_service_with_its_names_and_its_log(self, behaviour: Behaviour) -> None:
        """Guarantees both names, and that a message without them is processed too."""
        service: Any = Service()
        handler = clean_up.choose(behaviour, service)
        delivery = Delivery(BODY)
        handler.handle(delivery)
        handler.handle(Delivery(b'{"conversation_id": "c-1", "conversation_log": []}'))

        assert service.whole == [("c-0", "u-1", "b-1", [ROW]), ("c-1", "", "", [])]
        assert delivery.conversation_id == "c-0"

    def test_a_streamed_message_reaches_the_service_checked(self) -> None:
        """Guarantees the hardened handler's one copy: the body."""
        service: Any = Service()
        clean_up.choose(Behaviour.HARDENED, service).handle(Delivery(BODY))
        (conversation,) = service.streamed
        assert (conversation.conversation_id, conversation.user_id, conversation.bot_id) == ("c-0", "u-1", "b-1")
        assert conversation.body is BODY

    def test_the_reports_context_is_given_the_log_and_two_names_that_hold_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Shows hole 4 once more: formatted text and payload are None where the report's code passes them."""
        given: list[tuple[Any, ...]] = []
        plain = clean_up.conversation_log_context

        def noting(*arguments: Any) -> Any:
            given.append(arguments)
            return plain(*arguments)

        monkeypatch.setattr(clean_up, "conversation_log_context", noting)
        service: Any = Service()
        clean_up.choose(Behaviour.REPORTED, service).handle(Delivery(BODY))
        assert given == [([ROW], None, None)]


class TestKeepAndBackOff:
    """The original's back-off."""

    def test_it_sleeps_once_and_only_after_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Guarantees the wait of REQUEUE_BACKOFF_SECONDS, before the failure is described."""
        slept: list[float] = []
        monkeypatch.setattr("worker_under_test.remedies.exception_retention.time.sleep", slept.append)
        retention = exception_retention.choose(Behaviour.ORIGINAL, 5)
        service: Any = Service()

        assert retention.attempt(clean_up.choose(Behaviour.ORIGINAL, service), Delivery(BODY)) is None
        assert slept == []
        failure = retention.attempt(clean_up.choose(Behaviour.ORIGINAL, service), Delivery(b"x"))
        assert failure is not None
        assert (failure.kind, slept) == (FailureKind.UNPARSEABLE, [5])


class EarlyEnd(random.Random):
    """Draws the low end of a range."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002 - the standard library's signature
        """Return it."""
        return a


class TestHold:
    """How long a failure is held while the database is away."""

    @pytest.fixture
    def policy(self) -> RetryPolicy:
        """The hardened schedule, without a draw."""
        from worker_under_test.conversation_event_repository import RetryPolicy as Policy  # noqa: PLC0415

        return Policy(retry_schedule.choose(Behaviour.HARDENED), 6, lambda: NOON, EarlyEnd())

    def test_the_waits_between_two_tries_double_up_to_two_seconds(self, policy: RetryPolicy) -> None:
        """Guarantees that a short outage costs a short wait, and that the hold is never outlasted."""
        waited: list[float] = []

        class Patient(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                waited.append(round(timeout or 0.0, 3))
                return False

        class Away:
            def begin(self) -> Any:
                raise OperationalError("", {}, Exception("away"))

        sessions: Any = Away()
        recorder = failure_record.choose(Behaviour.HARDENED, sessions, policy, 5.0, Patient())
        with pytest.raises(DatabaseUnavailableError, match=r"OperationalError after 5 s of hold"):
            recorder.durably(lambda _: None)
        assert waited == [0.1, 0.2, 0.4, 0.8, 1.6, 1.9]
        waited.clear()
        assert recorder.record_failed("c-0", TIMEOUT, BODY, hold=False) is False
        assert waited == []

    def test_a_failure_is_recorded_with_all_that_the_retry_job_needs(self, policy: RetryPolicy, tmp_path: Path) -> None:
        """Guarantees code, details, the early end of the first wait, and the message itself."""
        engine = open_database(f"sqlite:///{tmp_path}/events.db", connections_max=1)
        create_schema(engine, Behaviour.HARDENED)
        sessions = session_factory(engine)
        with sessions.begin() as db:
            db.add(ConversationEvent(conversation_id="c-0", status="PENDING", retry_count=2))
        for behaviour, hours in ((Behaviour.REPORTED, 4.8), (Behaviour.HARDENED, 19.2)):
            recorder = failure_record.choose(behaviour, sessions, policy, 0.0, threading.Event())
            assert recorder.record_failed("c-0", TIMEOUT, BODY) is True
            with sessions(expire_on_commit=False) as db:
                row = db.get(ConversationEvent, 1)
                assert row is not None
                assert (row.status, row.error_code, row.error_details) == (
                    "FAILED",
                    "MEMORY_API_TIMEOUT",
                    "no answer within 60 s",
                )
                assert row.next_attempt_at == NOON + timedelta(hours=hours)
        engine.dispose()


def test_two_deliveries_of_one_conversation_are_told_apart_by_name() -> None:
    """Guarantees that the error says which conversation is still in work."""
    from worker_under_test.remedies import idempotent_redelivery  # noqa: PLC0415

    in_hand = idempotent_redelivery.work_in_hand(Behaviour.HARDENED)
    in_hand.message_read(Delivery(b"", conversation_id="c-0"))
    with pytest.raises(AlreadyInHandError, match=r"^conversation c-0 is still in work for an earlier delivery$"):
        in_hand.message_read(Delivery(b"", conversation_id="c-0"))
