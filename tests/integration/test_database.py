"""The worker's database: its own migrate makes it, the harness seeds and reads it, and every refusal says why."""

import os
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import PartFailedError
from harness.incidents.pika_mem0 import outcomes as outcomes_module
from harness.incidents.pika_mem0.outcomes import ConversationEvents, open_store
from harness.machine import checkout
from harness.record import Outcome
from harness.redaction import masked_url
from harness.scenario import WorkerSpec

pytestmark = pytest.mark.integration

FIXED = WorkerSpec(preset="fixed")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database file is."""
    return tmp_path / "events.db"


@pytest.fixture
def env() -> Mapping[str, str]:
    """The environment of the migration."""
    return dict(os.environ)


def without_time(database: ConversationEvents) -> tuple[Outcome, ...]:
    """Return the outcomes without the moment of their last writing, which each of them has."""
    found = database.outcomes()
    assert all(outcome.failed_at for outcome in found)
    return tuple(replace(outcome, failed_at=None) for outcome in found)


@pytest.fixture
def database(path: Path, env: Mapping[str, str], tmp_path: Path) -> ConversationEvents:
    """A database with the worker's schema."""
    return open_store(f"sqlite:///{path}", FIXED, env, tmp_path / "migrate.log", cwd=checkout())


def test_a_migrated_database_takes_events_and_gives_them_back(database: ConversationEvents) -> None:
    """Guarantees one PENDING row for each id, in the order of the ids."""
    database.expect(["b", "a"])

    assert without_time(database) == (Outcome("a", "PENDING", None, 0, None), Outcome("b", "PENDING", None, 0, None))


def test_what_the_worker_wrote_is_read(database: ConversationEvents, path: Path) -> None:
    """Guarantees status, error, retries and the time of the next attempt, as the worker left them."""
    database.expect(["a"])
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE conversation_events SET status = 'FAILED', error_code = 'MEMORY_API_TIMEOUT', retry_count = 3,"
            " next_attempt_at = '2026-01-01 18:00:00.000000'"
        )
    connection.close()

    assert without_time(database) == (Outcome("a", "FAILED", "MEMORY_API_TIMEOUT", 3, "2026-01-01 18:00:00.000000"),)


def test_nothing_to_seed_is_no_error(database: ConversationEvents) -> None:
    """Guarantees an empty table for a scenario without messages."""
    database.expect([])

    assert database.outcomes() == ()


def test_a_thousand_events_are_stored_at_once_or_not_at_all(database: ConversationEvents) -> None:
    """Guarantees one transaction: an id that is there twice leaves none of the others."""
    names = [f"c-{number:04d}" for number in range(1000)]

    with pytest.raises(PartFailedError, match=r"could not be seeded.*UNIQUE constraint failed") as error:
        database.expect([*names, names[0]])

    assert len(str(error.value)) < 400
    assert database.outcomes() == ()
    database.expect(names)
    assert len(database.outcomes()) == 1000


def test_a_database_without_the_schema_is_said(path: Path) -> None:
    """Guarantees a sentence with the reason for a file that no migration made."""
    with pytest.raises(PartFailedError, match=r"could not be read, database sqlite:///.*no such table"):
        ConversationEvents(f"sqlite:///{path}").outcomes()


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/events.db", "nonsense", "nosuchdriver://host/db", "postgresql+nodriver://h/db"]
)
def test_a_database_that_cannot_be_opened_is_said(url: str) -> None:
    """Guarantees a PartFailedError for every wrong URL, a missing driver included."""
    with pytest.raises(PartFailedError, match="the events could not be read"):
        ConversationEvents(url).outcomes()
    with pytest.raises(PartFailedError, match="the events could not be seeded"):
        ConversationEvents(url).expect(["a"])


def test_a_password_is_never_told() -> None:
    """Guarantees that error messages can be shared."""
    assert masked_url("postgresql://harness:secret@127.0.0.1/db") == "postgresql://harness:***@127.0.0.1/db"
    assert masked_url("secret nonsense") == "(not a database URL)"


def running(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Have this program of Python run in the worker's place."""
    monkeypatch.setattr(outcomes_module, "MODULE", (sys.executable, "-c", program))


def test_a_migration_that_fails_is_said_with_its_log(
    path: Path, env: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees that a worker without a schema is never started, and that the reason is at hand."""
    running(monkeypatch, "import sys; print('no such migration'); sys.exit(4)")

    with pytest.raises(PartFailedError, match="migrate ended with 4; its log ends:\\nno such migration"):
        open_store(f"sqlite:///{path}", FIXED, env, tmp_path / "migrate.log", cwd=checkout())


def test_the_migration_gets_the_url_and_the_preset(
    path: Path, env: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees that the worker's own migrate finds the URL in its environment, and makes its preset's schema."""
    running(monkeypatch, "import os, sys; print(os.environ['DATABASE_URL'], *sys.argv[1:])")
    open_store(f"sqlite:///{path}", WorkerSpec(preset="postmortem"), env, tmp_path / "migrate.log", cwd=checkout())

    assert (tmp_path / "migrate.log").read_text() == f"sqlite:///{path} migrate --preset postmortem\n"
