"""The retry job as a process, on SQLite and on PostgreSQL: killed in a batch, several at once, periodic, stopped."""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from harness.environment.database.databases import Databases
from harness.environment.dependency import Dependency, running_dependency
from harness.environment.process import Child
from harness.environment.run.run_scope import RunScope
from harness.machine import checkout
from harness.waiting import wait_for
from tests.worker_bench import ANSWER, conversation, read_lines
from tests.worker_databases import KINDS, database_servers
from worker_under_test.conversation_event_model import ConversationEvent
from worker_under_test.conversation_event_repository import ConversationEventRepository, RetryPolicy, compress_message
from worker_under_test.database import create_schema, open_database, session_factory
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.retry_schedule import cap_then_jitter

pytestmark = pytest.mark.integration

LIMIT_S = 60.0
NAMES = [f"c-{number:02d}" for number in range(20)]
SLOW = {"mode": "answer", "latency": {"seconds": 0.5}}
SOME_HANG = {"mode": "hang_forever", "rate": 0.15}  # which, is the seed's affair


@dataclass
class Desk:
    """A database with FAILED events that are due, and a pika-mem0."""

    url: str
    mem0: Dependency
    journal: Path
    folder: Path

    def store(self, *names: str) -> None:
        """Store events that failed, with their messages, due now."""
        engine = open_database(self.url, connections_max=1)
        due = datetime.now(UTC) - timedelta(minutes=1)
        with session_factory(engine).begin() as db:
            repository = ConversationEventRepository(db, RetryPolicy(cap_then_jitter, 6))
            for number, name in enumerate(names):
                waiting_since = due + timedelta(milliseconds=number)
                db.add(ConversationEvent(conversation_id=name, status="FAILED", next_attempt_at=waiting_since))
                repository.keep_message(name, compress_message(conversation(name)))
        engine.dispose()

    def statuses(self) -> dict[str, str]:
        """Return each event's status."""
        engine = open_database(self.url, connections_max=1)
        with session_factory(engine)() as db:
            events = db.scalars(select(ConversationEvent)).all()
            found = {event.conversation_id: event.status for event in events}
        engine.dispose()
        return found

    def calls(self) -> Counter[str]:
        """Return how many calls pika-mem0 got for each conversation, those that ended."""
        return Counter(line["message_id"] for line in read_lines(self.journal))

    def job(self, *options: str) -> Child:
        """Return a retry job, not started yet."""
        env = {**os.environ, "DATABASE_URL": self.url, "MEMORY_API_URL": self.mem0.url, "PYTHONPATH": str(checkout())}
        log_file = self.folder / f"retry-{len(list(self.folder.glob('retry-*')))}.log"
        log_file.touch()
        return Child("retry", [sys.executable, "-m", "worker_under_test", "retry", *options], env, log_file)


def printed(job: Child) -> list[dict[str, int]]:
    """Return the stats that a job has printed, one object a run."""
    return [json.loads(line) for line in job.log_file.read_text().splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Databases]]:
    """Where the databases of this module are made."""
    with database_servers(tmp_path_factory.mktemp("retries"), "worker-retry-databases") as made:
        yield made


@pytest.fixture(scope="module")
def memory_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dependency, Path]]:
    """The pika-mem0 of this module, and its journal."""
    folder = tmp_path_factory.mktemp("mem0")
    with (
        RunScope("worker-retry-mem0", folder / "state") as scope,
        running_dependency(scope, folder, seed=1, journal=folder / "mem0.jsonl") as mem0,
    ):
        yield mem0, folder / "mem0.jsonl"


@pytest.fixture(params=KINDS)
def desk(
    servers: Mapping[str, Databases],
    memory_api: tuple[Dependency, Path],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Desk]:
    """A migrated database of this test, on either, and nothing in the journal."""
    mem0, journal = memory_api
    mem0.put_rules([], ANSWER)
    journal.write_text("")
    with servers[request.param].fresh(tmp_path.name) as url:
        engine = open_database(url, connections_max=1)
        create_schema(engine, Behaviour.HARDENED)
        engine.dispose()
        yield Desk(url, mem0, journal, tmp_path)


def test_a_job_killed_in_the_middle_of_a_batch_loses_nothing(desk: Desk) -> None:
    """Guarantees, after a kill -9, each event processed once its lease is over: one of them twice, the one in work."""
    # Which calls hang is drawn from the conversation and its attempt: so the names are nobody else's.
    names = [f"{desk.url[:6]}-{number:02d}" for number in range(20)]
    desk.store(*names)
    desk.mem0.put_rules([SOME_HANG], ANSWER)
    with desk.job() as job:
        wait_for("a call that hangs", lambda: desk.mem0.stats()["hung"], timeout_s=LIMIT_S, alive=job.death)
        assert job.kill() == 137
    after_kill = Counter(desk.statuses().values())
    assert after_kill["PROCESSED"] >= 2
    assert after_kill["FAILED"] >= 1
    assert set(after_kill) == {"PROCESSED", "FAILED"}
    desk.mem0.put_rules([], ANSWER)
    with (
        desk.job() as too_early,
        desk.job("--now", (datetime.now(UTC) + timedelta(minutes=16)).isoformat()) as next_job,
    ):
        assert (too_early.wait(LIMIT_S), next_job.wait(LIMIT_S)) == (0, 0)
    assert printed(too_early)[0]["total"] == 0
    assert printed(next_job) == [
        {"total": after_kill["FAILED"], "processed": after_kill["FAILED"], "failed": 0, "skipped": 0}
    ]
    assert desk.statuses() == dict.fromkeys(names, "PROCESSED")
    calls = desk.calls()
    assert set(calls) == set(names)
    assert calls.total() <= len(names) + 1


def test_three_jobs_at_once_process_each_event_once(desk: Desk) -> None:
    """Guarantees that cron jobs which overlap do each other's work, and none of it twice."""
    names = [f"c-{number}" for number in range(60)]
    desk.store(*names)
    with ExitStack() as stack:
        jobs = [stack.enter_context(desk.job()) for _ in range(3)]
        assert [job.wait(LIMIT_S) for job in jobs] == [0, 0, 0], "".join(job.tail() for job in jobs)
    assert desk.calls() == dict.fromkeys(names, 1)
    assert sum(printed(job)[0]["processed"] for job in jobs) == len(names)


def test_a_job_that_runs_every_so_often_takes_up_what_is_new_and_ends_with_0(desk: Desk) -> None:
    """Guarantees ``--every``: one line of stats a run, the next run at its time, an end at SIGTERM."""
    desk.store("c-0")
    with desk.job("--every", "0.2s") as job:
        wait_for("the first", lambda: desk.statuses()["c-0"] == "PROCESSED", timeout_s=LIMIT_S, alive=job.death)
        desk.store("c-1")
        wait_for("the second", lambda: desk.statuses()["c-1"] == "PROCESSED", timeout_s=LIMIT_S, alive=job.death)
        wait_for("its stats", lambda: sum(each["processed"] for each in printed(job)) == 2, timeout_s=LIMIT_S)
        job.signal(signal.SIGTERM)
        assert job.wait(LIMIT_S) == 0, job.tail()
    assert sum(each["total"] for each in printed(job)) == 2


def test_a_job_that_is_stopped_finishes_the_event_in_work(desk: Desk) -> None:
    """Guarantees that SIGTERM costs no second call, and that another job has the rest at once."""
    desk.store(*NAMES)
    desk.mem0.put_rules([], SLOW)
    with desk.job() as job:
        wait_for("a first call", lambda: desk.mem0.stats()["open"] == 1, timeout_s=LIMIT_S, alive=job.death)
        job.signal(signal.SIGTERM)
        assert job.wait(LIMIT_S) == 0, job.tail()
    (stats,) = printed(job)
    assert 1 <= stats["total"] == stats["processed"] < len(NAMES)
    desk.mem0.put_rules([], ANSWER)
    with desk.job() as another:
        assert another.wait(LIMIT_S) == 0
    assert desk.calls() == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--every", "tea"), "'tea'"), (("--every", "0s"), "'0s'"), (("--once", "--every", "6h"), "exclude each other")],
)
def test_a_timetable_that_cannot_be_is_refused(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    """Guarantees exit 2 and the reason, before the database is touched."""
    argv = [sys.executable, "-m", "worker_under_test", "retry", *options]
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/none.db", "PYTHONPATH": str(checkout())}
    with Child("retry", argv, env, tmp_path / "log") as job:
        assert job.wait(LIMIT_S) == 2
    assert said in job.tail()
    assert not (tmp_path / "none.db").exists()
