"""The retry job on SQLite and on PostgreSQL: what the report's version does to events, and what the hardened one."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from harness.environment.database.databases import Databases
from tests.worker_databases import KINDS, database_servers
from worker_under_test.alerts import AlertLevel, Alerts, AlertType, ContextValue
from worker_under_test.conversation_event_model import ConversationEvent
from worker_under_test.conversation_event_repository import (
    Claim,
    ConversationEventRepository,
    RetryPolicy,
    compress_message,
)
from worker_under_test.database import SessionFactory, create_schema, open_database, session_factory
from worker_under_test.errors import DatabaseUnavailableError, MemoryApiTimeoutError
from worker_under_test.failed_events_processing import FailedEventsProcessor
from worker_under_test.message_handling import MessageHandler
from worker_under_test.outcomes import Delivery
from worker_under_test.remedies import retry_limit, retry_schedule
from worker_under_test.remedies.behaviour import Behaviour

pytestmark = pytest.mark.integration

LIMIT_S = 60.0
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
    alerts_type: type[Alerts] = Alerts
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def policy(self) -> RetryPolicy:
        """The schedule of the behaviour, on the test's clock."""
        return RetryPolicy(retry_schedule.choose(self.behaviour), 6, lambda: self.now)

    def run(self) -> dict[str, int]:
        """Run the job, and return its stats."""
        processor = FailedEventsProcessor(
            handler=SeeingHandler(self.seen, self.handling),
            sessions=self.sessions,
            policy=self.policy,
            limit=retry_limit.choose(self.behaviour, RETRIES_MAX),
            alerts=self.alerts_type(300, str(self.alerts_file)),
            stopping=self.stopping,
        )
        return processor.process_failed_events().as_dict()

    def store(self, conversation_id: str, *, retry_count: int = 0, due: datetime = NOON) -> None:
        """Store a FAILED event with its message."""
        with self.sessions.begin() as db:
            row = {"conversation_id": conversation_id, "retry_count": retry_count, "next_attempt_at": due}
            db.add(ConversationEvent(status="FAILED", **row))
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


class SeeingHandler(MessageHandler):
    """Notes each message, and has the test's own handling process it; there is no service."""

    def __init__(self, seen: list[bytes], handling: Callable[[Delivery], None]) -> None:
        self.seen, self.handling, self._hooks = seen, handling, ()

    def process(self, delivery: Delivery) -> None:
        """Note the message, and hand it on."""
        self.seen.append(delivery.body)
        self.handling(delivery)


def time_out(_delivery: Delivery) -> None:
    """Fail as a hanging memory API makes a retry fail."""
    raise MemoryApiTimeoutError("no answer within 60 s")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Databases]]:
    """Where the databases of this module are made."""
    with database_servers(tmp_path_factory.mktemp("retry"), "worker-retry-job") as made:
        yield made


@pytest.fixture(params=KINDS)
def database_url(servers: Mapping[str, Databases], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database, on either."""
    with servers[request.param].fresh(tmp_path.name) as url:
        yield url


@pytest.fixture
def job(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Job]:
    """A job of the behaviour that the test is parametrised with, on the schema of that behaviour."""
    behaviour: Behaviour = request.param
    engine = open_database(database_url, connections_max=6)
    create_schema(engine, behaviour)
    yield Job(session_factory(engine), behaviour, tmp_path / "alerts.jsonl")
    engine.dispose()


as_reported = pytest.mark.parametrize("job", [Behaviour.REPORTED], indirect=True)
hardened = pytest.mark.parametrize("job", [Behaviour.HARDENED], indirect=True)


@hardened
def test_every_due_event_is_processed_and_the_others_left_alone(job: Job) -> None:
    """Guarantees that the job goes on until none is due, the longest waiting first, 25 at a time."""
    for number in range(60):
        job.store(f"c-{number:02d}", due=NOON - timedelta(minutes=number))
    job.store("later", due=NOON + timedelta(hours=1))
    # The test's memory API marks nothing, so the claimed ones stay FAILED: nobody's until their lease is over.
    assert job.run() == {"total": 60, "processed": 60, "failed": 0, "skipped": 0}
    assert job.seen == [f"c-{number:02d}".encode() for number in reversed(range(60))]


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


def claimed(job: Job, claim: Claim, batch_size: int = 25) -> list[str]:
    """Fetch due events for ``claim`` as a job does, and return which."""
    with job.sessions() as db:
        events = ConversationEventRepository(db, job.policy).fetch_due_events(batch_size, claim)
        db.commit()
        return [event.conversation_id for event in events]


LEASE = timedelta(minutes=15)


@hardened
def test_four_jobs_at_once_are_given_each_event_once(job: Job) -> None:
    """Guarantees that no event is in two jobs' hands and none is passed over by all, however they meet."""
    names = [f"c-{number:03d}" for number in range(120)]
    for name in names:
        job.store(name)
    start = threading.Barrier(4)
    given: list[str] = []

    def fetch_all(holder: str) -> None:
        start.wait(LIMIT_S)
        # A batch may be empty because others are about to claim what is left; none is due only once all is claimed.
        while len(given) < len(names):
            given.extend(claimed(job, Claim(holder, LEASE), batch_size=7))

    jobs = [threading.Thread(target=fetch_all, args=(f"job-{number}",), daemon=True) for number in range(4)]
    for each in jobs:
        each.start()
    for each in jobs:
        each.join(LIMIT_S)
    assert sorted(given) == names


@hardened
def test_a_job_whose_batch_was_taken_meanwhile_is_given_the_next(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that a job does not take "somebody was quicker" for "nothing is due", and ends beside a long queue."""
    job.store("c-0", due=NOON - timedelta(hours=1))
    job.store("c-1")
    others: list[str] = []
    with job.sessions() as db:
        execute = db.execute

        def overtaken(statement: Any, **options: Any) -> Any:
            others.extend(claimed(job, Claim("quicker", LEASE), batch_size=1) if not others else [])
            return execute(statement, **options)

        monkeypatch.setattr(db, "execute", overtaken)  # between its look and its claim
        events = ConversationEventRepository(db, job.policy).fetch_due_events(1, Claim("slower", LEASE))
        assert sorted([*others, *(event.conversation_id for event in events)]) == ["c-0", "c-1"]
        db.commit()
    assert claimed(job, Claim("third", LEASE)) == []


@hardened
def test_what_another_job_is_about_to_claim_is_passed_over(job: Job, database_url: str) -> None:
    """Guarantees that a job does not wait for another's transaction to be given the next events, on PostgreSQL."""
    job.store("c-0")
    job.store("c-1", due=NOON - timedelta(hours=1))
    with job.sessions() as first:
        events = ConversationEventRepository(first, job.policy).fetch_due_events(1, Claim("first", LEASE))
        assert [event.conversation_id for event in events] == ["c-1"]
        if database_url.startswith("sqlite"):  # one writer at a time: the second comes after the first
            first.commit()
        assert claimed(job, Claim("second", LEASE)) == ["c-0"]
        first.commit()


@hardened
def test_an_event_whose_job_was_killed_is_due_again_after_its_lease(job: Job) -> None:
    """Guarantees that a claim is no grave: the kill of a job costs a quarter of an hour, and no event."""
    job.store("c-0")
    job.store("c-1")

    def crash(_delivery: Delivery) -> None:
        raise KeyboardInterrupt

    job.handling = crash
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert job.run()["total"] == 0
    job.now += LEASE
    job.handling = time_out
    assert job.run()["failed"] == 2


@hardened
def test_a_job_that_is_told_to_stop_leaves_the_rest_of_its_batch_to_others(job: Job) -> None:
    """Guarantees an end after the event in work, and that nobody waits for a lease then."""
    for number in range(3):
        job.store(f"c-{number}", due=NOON - timedelta(minutes=number))

    def told_to_stop(_delivery: Delivery) -> None:
        job.stopping.set()
        raise MemoryApiTimeoutError("no answer within 60 s")

    job.handling = told_to_stop
    assert job.run() == {"total": 1, "processed": 0, "failed": 1, "skipped": 0}
    assert sorted(claimed(job, Claim("another", LEASE))) == ["c-0", "c-1"]


@hardened
def test_a_job_that_outlived_its_lease_does_not_undo_another_ones_success(job: Job) -> None:
    """Guarantees that a call which hung too long counts nothing against an event that is finished meanwhile."""
    job.store("c-0")

    def hang_beyond_the_lease(_delivery: Delivery) -> None:
        job.now += LEASE
        assert claimed(job, Claim("another", LEASE)) == ["c-0"]
        with job.sessions.begin() as db:
            repository = ConversationEventRepository(db, job.policy)
            event = repository.get_by_conversation_id("c-0")
            assert event is not None
            repository.mark_processed(event, 1.0)
        raise MemoryApiTimeoutError("no answer within 60 s")

    job.handling = hang_beyond_the_lease
    assert job.run() == {"total": 1, "processed": 0, "failed": 0, "skipped": 1}
    assert (job.event().status, job.event().retry_count) == ("PROCESSED", 0)


class KilledAfterwards(Alerts):
    """Alerts of a process that is killed as soon as one was sent."""

    def send_alert_safe(
        self, alert_type: AlertType, level: AlertLevel, message: str, context: Mapping[str, ContextValue]
    ) -> bool:
        """Send it, and no more."""
        super().send_alert_safe(alert_type, level, message, context)
        raise KeyboardInterrupt


@hardened
def test_a_person_is_called_before_an_event_is_given_up_for_good(job: Job) -> None:
    """Guarantees that a kill between the two repeats the call: never an event given up that nobody was told of."""
    job.store("c-0", retry_count=RETRIES_MAX)
    job.alerts_type = KilledAfterwards
    with pytest.raises(KeyboardInterrupt):
        job.run()
    job.alerts_type = Alerts
    assert (job.event().status, job.critical_alerts()) == ("FAILED", 1)
    job.now += LEASE
    assert job.run()["skipped"] == 1
    assert (job.event().status, job.critical_alerts()) == ("PERMANENTLY_FAILED", 2)


@hardened
def test_an_outage_of_the_database_uses_up_no_attempt(job: Job) -> None:
    """Guarantees that an event whose outcome could not be stored is due as before, and that the run still ends."""
    job.store("c-0")

    def lose_the_database(_delivery: Delivery) -> None:
        raise DatabaseUnavailableError("OperationalError after 10 s of hold")

    job.handling = lose_the_database
    for _ in range(RETRIES_MAX + 1):
        assert job.run() == {"total": 1, "processed": 0, "failed": 1, "skipped": 0}
    assert (job.event().status, job.event().retry_count, job.event().next_attempt_at) == ("FAILED", 0, NOON)


@hardened
def test_an_event_without_a_message_is_a_failure_of_its_own(job: Job) -> None:
    """Guarantees that it is counted like any other failed retry, and reaches a person in the end."""
    with job.sessions.begin() as db:
        db.add(ConversationEvent(conversation_id="c-0", status="FAILED", next_attempt_at=NOON))
    assert job.run()["failed"] == 1
    assert (job.event().error_code, job.event().retry_count) == ("MESSAGE_MISSING", 1)
