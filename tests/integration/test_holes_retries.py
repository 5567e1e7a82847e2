"""Holes 9, 10, 11 and 12 of the report's fix: what becomes of a failed event, with the retry job on real databases.

Each test is run with ``postmortem``, which falls into the hole, and with ``fixed``, which does not, on SQLite and on
PostgreSQL. The events come to the database by way of a real broker where it matters how they failed, and by hand where
only their state does.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from harness.waiting import wait_for
from tests.hole_bench import FIXED, POSTMORTEM, HoleParts, falls_in_or_not, retried, running
from tests.worker_bench import HANG, LIMIT_S, Bench, bench_parts, conversation, on_both_databases
from worker_under_test.conversation_event_model import ConversationEvent

pytestmark = pytest.mark.integration

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
RETRIES_MAX = 5
CEILING = timedelta(hours=48)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HoleParts]:
    """The broker, the memory API and the migrated databases of this module."""
    with bench_parts(tmp_path_factory.mktemp("holes"), "holes-retries") as started:
        yield HoleParts(started)


@pytest.fixture
def schema() -> str:
    """The preset whose CHECK the table has, for a test that does not say otherwise."""
    return FIXED


@pytest.fixture
def bench(
    parts: HoleParts, database: str, schema: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Bench]:
    """A queue and empty tables of this test."""
    with parts.ground(request.node.name, tmp_path, database, schema) as ready:
        ready.env["MEMORY_API_TIMEOUT_SECONDS"] = "0.3"
        yield ready


def connected(bench: Bench) -> Connection:
    """Return a connection to the test's database, of no pool."""
    return create_engine(bench.database_url, poolclass=NullPool).connect()


def store(bench: Bench, conversation_id: str, **columns: object) -> None:
    """Store a FAILED event, due at noon where ``columns`` do not say otherwise. No message is kept for it."""
    values: dict[str, Any] = {"status": "FAILED", "next_attempt_at": NOON, "retry_count": 0, **columns}
    with closing(connected(bench)) as connection, Session(connection) as db, db.begin():
        db.add(ConversationEvent(conversation_id=conversation_id, **values))


def events(bench: Bench) -> dict[str, ConversationEvent]:
    """Return the events as they are stored."""
    with closing(connected(bench)) as connection, Session(connection, expire_on_commit=False) as db:
        return {event.conversation_id: event for event in db.query(ConversationEvent)}


def critical(bench: Bench) -> int:
    """Return how many CRITICAL alerts were sent."""
    return [alert["level"] for alert in bench.alerts].count("CRITICAL")


@on_both_databases
@pytest.mark.parametrize(("preset", "schema"), [(POSTMORTEM, POSTMORTEM), (FIXED, FIXED)])
def test_hole_9_the_check_refuses_the_end_of_a_retry(bench: Bench, preset: str) -> None:
    """Shows the retry job die of the status it was told to write; guarantees that the fixed schema admits it."""
    store(bench, "c-0", retry_count=RETRIES_MAX)
    if preset == POSTMORTEM:
        with pytest.raises(IntegrityError, match="conversation_events_status"):
            retried(bench, NOON, preset)
        assert (events(bench)["c-0"].status, critical(bench)) == ("FAILED", 0)
    else:
        assert retried(bench, NOON, preset) == {"total": 1, "processed": 0, "failed": 0, "skipped": 1}
        assert (events(bench)["c-0"].status, critical(bench)) == ("PERMANENTLY_FAILED", 1)


@on_both_databases
@falls_in_or_not
def test_hole_10_the_attempts_are_never_counted(bench: Bench, preset: str) -> None:
    """Shows no count, no growth and no end in eight retries; guarantees all three, up to PERMANENTLY_FAILED."""
    bench.mem0.put_rules([], HANG)
    bench.seed("c-0")
    bench.publish(conversation("c-0"))
    with running(bench, preset):
        bench.wait_for_rows({"c-0": ("FAILED", "MEMORY_API_TIMEOUT")})
        bench.wait_for_stats(acked=1)
    bench.mem0.put_rules([], HANG)
    waits: list[timedelta] = []
    now = datetime.now(UTC) + timedelta(hours=8)
    for _ in range(8):
        if retried(bench, now, preset)["total"] == 0:
            break
        due = events(bench)["c-0"].next_attempt_at
        if due is not None:
            waits.append(due - now)
            now = due
    event = events(bench)["c-0"]
    if preset == POSTMORTEM:
        assert (event.status, event.retry_count, critical(bench), len(waits)) == ("FAILED", 0, 0, 8)
        assert max(waits) <= timedelta(hours=7.2)
    else:
        assert (event.status, event.retry_count, critical(bench), len(waits)) == (
            "PERMANENTLY_FAILED",
            RETRIES_MAX,
            1,
            RETRIES_MAX - 1,
        )
        assert waits[0] < waits[1] < waits[2]
        assert max(waits) <= CEILING


@on_both_databases
@falls_in_or_not
def test_hole_11_half_of_all_late_retries_meet_at_48_hours(bench: Bench, preset: str) -> None:
    """Shows retries that are due at one moment, once they are counted at all; guarantees that no two are."""
    for number in range(30):
        store(bench, f"c-{number}", retry_count=2)
    retried(bench, NOON, preset, with_="retry_limit")
    waits = [event.next_attempt_at - NOON for event in events(bench).values() if event.next_attempt_at is not None]
    assert len(waits) == 30
    assert max(waits) <= CEILING
    # The chance that none of thirty is cut off at the ceiling is one in a thousand million.
    assert (waits.count(CEILING) > 0) is (preset == POSTMORTEM)
    assert (len(set(waits)) < 30) is (preset == POSTMORTEM)


@on_both_databases
@falls_in_or_not
def test_hole_12_an_event_that_is_not_due_is_given_up(bench: Bench, preset: str) -> None:
    """Shows an event with no retry behind it given up, with a CRITICAL alert; guarantees that it is left alone.

    A second job rescheduled it while the first one was busy with another event of the same batch. The table's CHECK is
    the fixed one, so that hole 9 does not hide this one.
    """
    bench.mem0.put_rules([], HANG)
    bench.env["MEMORY_API_TIMEOUT_SECONDS"] = "30"
    bench.seed("c-0")
    bench.publish(conversation("c-0"))
    with running(bench, FIXED):
        wait_for("the call", lambda: bench.mem0.stats()["hung"] == 1, timeout_s=LIMIT_S)
        bench.mem0.release()
        bench.wait_for_rows({"c-0": ("FAILED", "MEMORY_API_ERROR")})
        bench.wait_for_stats(acked=1)
    bench.mem0.put_rules([], HANG)
    soon = datetime.now(UTC) + timedelta(hours=8)
    store(bench, "c-1", next_attempt_at=soon - timedelta(minutes=1))
    job = Thread(target=retried, args=(bench, soon, preset))
    job.start()
    wait_for("the retry of the first", lambda: bench.mem0.stats()["hung"] == 1, timeout_s=LIMIT_S)
    later = "UPDATE conversation_events SET next_attempt_at = :later WHERE conversation_id = 'c-1'"
    bench.execute(later, later="2099-01-01 00:00:00")
    bench.mem0.release()
    job.join(LIMIT_S)
    event = events(bench)["c-1"]
    assert event.retry_count == 0
    assert (event.status, critical(bench)) == (("PERMANENTLY_FAILED", 1) if preset == POSTMORTEM else ("FAILED", 0))
