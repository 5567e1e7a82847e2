"""The retry job on a real SQLite file: what the report's version does to events, and what the hardened one does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from worker_under_test.alerts import Alerts
from worker_under_test.conversation_event_model import ConversationEvent
from worker_under_test.conversation_event_repository import (
    ConversationEventRepository,
    RetryPolicy,
    compress_message,
)
from worker_under_test.database import SessionFactory, create_schema, open_database, session_factory
from worker_under_test.errors import MemoryApiTimeoutError
from worker_under_test.failed_events_processing import FailedEventsProcessor
from worker_under_test.outcomes import Delivery
from worker_under_test.remedies import retry_limit, retry_schedule
from worker_under_test.remedies.behaviour import Behaviour

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
RETRIES_MAX = 5


@dataclass
class Job:
    """A retry job whose clock, and whose memory API, are the test's."""

    sessions: SessionFactory
    behaviour: Behaviour
    alerts_file: Path
    now: datetime = NOON
    handling: Callable[[Delivery], None] = lambda _delivery: None
    seen: list[bytes] = field(default_factory=list)

    @property
    def policy(self) -> RetryPolicy:
        """The schedule of the behaviour, on the test's clock."""
        return RetryPolicy(retry_schedule.choose(self.behaviour), 6, lambda: self.now)

    def run(self, *, once: bool = False) -> dict[str, int]:
        """Run the job, and return its stats."""

        def handle(service: object, in_hand: object, delivery: Delivery) -> None:  # noqa: ARG001 - the protocol's names
            self.seen.append(delivery.body)
            self.handling(delivery)

        processor = FailedEventsProcessor(
            service=None,  # type: ignore[arg-type]  # the handling above does without
            handling=handle,
            sessions=self.sessions,
            policy=self.policy,
            limit=retry_limit.choose(self.behaviour, RETRIES_MAX),
            alerts=Alerts(300, str(self.alerts_file)),
        )
        return processor.process_failed_events(once=once).as_dict()

    def store(self, conversation_id: str, *, retry_count: int = 0, due: datetime = NOON) -> None:
        """Store a FAILED event with its message."""
        with self.sessions.begin() as db:
            db.add(
                ConversationEvent(
                    conversation_id=conversation_id, status="FAILED", retry_count=retry_count, next_attempt_at=due
                )
            )
            body_zlib = compress_message(conversation_id.encode())
            ConversationEventRepository(db, self.policy).keep_message(conversation_id, body_zlib)

    def event(self, conversation_id: str = "c-0") -> ConversationEvent:
        """Return the event as it is stored."""
        with self.sessions(expire_on_commit=False) as db:
            event = ConversationEventRepository(db, self.policy).get_by_conversation_id(conversation_id)
            assert event is not None
            return event

    def critical_alerts(self) -> int:
        """Return how many CRITICAL alerts were sent."""
        return self.alerts_file.read_text().count('"CRITICAL"') if self.alerts_file.exists() else 0


def time_out(_delivery: Delivery) -> None:
    """Fail as a hanging memory API makes a retry fail."""
    raise MemoryApiTimeoutError("no answer within 60 s")


@pytest.fixture
def job(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Job]:
    """A job of the behaviour that the test is parametrised with, on the schema of that behaviour."""
    behaviour: Behaviour = request.param
    engine = open_database(f"sqlite:///{tmp_path}/events.db", connections_max=4)
    create_schema(engine, behaviour)
    yield Job(session_factory(engine), behaviour, tmp_path / "alerts.jsonl")
    engine.dispose()


as_reported = pytest.mark.parametrize("job", [Behaviour.REPORT], indirect=True)
hardened = pytest.mark.parametrize("job", [Behaviour.HARDENED], indirect=True)


@hardened
def test_every_due_event_is_processed_in_batches_of_25(job: Job) -> None:
    """Guarantees that the job goes on until none is due, with ``once`` for one batch, and leaves the others alone."""
    for number in range(60):
        job.store(f"c-{number}")
    job.store("later", due=NOON + timedelta(hours=1))
    assert job.run(once=True) == {"total": 25, "processed": 25, "failed": 0, "skipped": 0}
    # The test's memory API marks nothing, so the claimed ones stay FAILED, and are nobody's until their lease is over.
    assert job.run() == {"total": 35, "processed": 35, "failed": 0, "skipped": 0}
    assert sorted(job.seen) == sorted(f"c-{number}".encode() for number in range(60))


@hardened
def test_a_failed_retry_is_counted_and_waits_longer_each_time(job: Job) -> None:
    """Guarantees the schedule of the report's table, and the end of it: five retries, then a person."""
    job.store("c-0")
    job.handling = time_out
    ranges = [(9.6, 14.4), (19.2, 28.8), (32, 48), (32, 48)]
    for count, (low, high) in enumerate(ranges, start=1):
        assert job.run() == {"total": 1, "processed": 0, "failed": 1, "skipped": 0}
        event = job.event()
        assert (event.status, event.retry_count, event.error_code) == ("FAILED", count, "MEMORY_API_TIMEOUT")
        assert event.next_attempt_at is not None
        assert timedelta(hours=low) <= event.next_attempt_at - job.now <= timedelta(hours=high)
        job.now = event.next_attempt_at
    assert job.critical_alerts() == 0
    job.run()
    assert (job.event().status, job.event().retry_count) == ("PERMANENTLY_FAILED", RETRIES_MAX)
    assert job.critical_alerts() == 1
    job.now += timedelta(days=365)
    assert job.run()["total"] == 0


@as_reported
def test_the_reports_job_never_counts_and_never_waits_longer(job: Job) -> None:
    """Shows hole 10: after ten failed retries the count is 0, the wait is still about 6 h, and nobody was called."""
    job.store("c-0")
    job.handling = time_out
    for _ in range(10):
        assert job.run()["failed"] == 1
        due = job.event().next_attempt_at
        assert due is not None
        assert due - job.now <= timedelta(hours=7.2)
        job.now = due
    assert job.event().retry_count == 0
    assert job.critical_alerts() == 0


def reschedule_the_other(job: Job) -> Callable[[Delivery], None]:
    """Return a handling during which another job reschedules the event that this one has fetched but not yet taken."""

    def handle(delivery: Delivery) -> None:
        other = "c-1" if delivery.body == b"c-0" else "c-0"
        with job.sessions.begin() as db:
            event = ConversationEventRepository(db, job.policy).get_by_conversation_id(other)
            assert event is not None
            event.next_attempt_at = job.now + timedelta(hours=6)

    return handle


@as_reported
def test_the_report_takes_an_event_that_is_not_due_for_one_given_up(job: Job) -> None:
    """Shows holes 12 and 9: ``should_retry`` is false, so it is "permanently failed", which the CHECK then refuses."""
    job.store("c-0")
    job.store("c-1")
    job.handling = reschedule_the_other(job)
    with pytest.raises(IntegrityError, match="conversation_events_status"):
        job.run()


@hardened
def test_an_event_that_another_job_rescheduled_is_left_alone(job: Job) -> None:
    """Guarantees that not due is not given up: it stays FAILED, due when the other job said."""
    job.store("c-0")
    job.store("c-1")
    job.handling = reschedule_the_other(job)
    assert job.run() == {"total": 2, "processed": 1, "failed": 0, "skipped": 1}
    assert job.critical_alerts() == 0
    assert {job.event("c-0").status, job.event("c-1").status} == {"FAILED"}


@as_reported
def test_the_reports_schema_refuses_the_end_of_a_retry(job: Job) -> None:
    """Shows hole 9: an event with five retries can't be marked, and the job dies of it."""
    job.store("c-0", retry_count=RETRIES_MAX)
    with pytest.raises(IntegrityError):
        job.run()
    assert job.event().status == "FAILED"


@hardened
def test_the_hardened_schema_takes_the_end_of_a_retry(job: Job) -> None:
    """Guarantees that an event found with its retries used up is given up, with an alert, and its message kept."""
    job.store("c-0", retry_count=RETRIES_MAX)
    assert job.run() == {"total": 1, "processed": 0, "failed": 0, "skipped": 1}
    assert job.event().status == "PERMANENTLY_FAILED"
    assert job.critical_alerts() == 1
    with job.sessions() as db:
        assert ConversationEventRepository(db, job.policy).load_message("c-0") == b"c-0"


@hardened
def test_two_jobs_never_take_the_same_event(job: Job) -> None:
    """Guarantees the claim: of two jobs that fetched one event, one processes it."""
    job.store("c-0")
    with job.sessions() as first, job.sessions() as second:
        repositories = [ConversationEventRepository(db, job.policy) for db in (first, second)]
        assert [len(each.fetch_due_events(25)) for each in repositories] == [1, 1]
        claimed = []
        for each in repositories:
            claimed.append(each.claim("c-0", timedelta(minutes=15)))
            each.db.commit()
        assert claimed == [True, False]


@hardened
def test_an_event_whose_job_crashed_is_due_again_after_its_lease(job: Job) -> None:
    """Guarantees that a claim is no grave: the crash of a job costs a quarter of an hour."""
    job.store("c-0")

    def crash(_delivery: Delivery) -> None:
        raise KeyboardInterrupt

    job.handling = crash
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert job.run()["total"] == 0
    job.now += timedelta(minutes=15)
    job.handling = time_out
    assert job.run()["failed"] == 1


@hardened
def test_an_event_without_a_message_is_a_failure_of_its_own(job: Job) -> None:
    """Guarantees that it is counted like any other failed retry, and reaches a person in the end."""
    with job.sessions.begin() as db:
        db.add(ConversationEvent(conversation_id="c-0", status="FAILED", next_attempt_at=NOON))
    assert job.run()["failed"] == 1
    assert (job.event().error_code, job.event().retry_count) == ("MESSAGE_MISSING", 1)
