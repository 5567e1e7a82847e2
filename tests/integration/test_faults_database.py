"""The faults of the database on SQLite and on PostgreSQL, as a worker with an open connection meets them."""

import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from harness.environment.database import outage as outage_module
from harness.environment.database.databases import POSTGRES, SQLITE, databases
from harness.environment.database.outage import DatabaseOutage
from harness.environment.run.run_scope import RunScope
from harness.errors import NotEnforceableError

pytestmark = pytest.mark.integration

CREATE = "CREATE TABLE conversation_events (conversation_id TEXT PRIMARY KEY, status TEXT NOT NULL)"
INSERT = "INSERT INTO conversation_events VALUES (:name, 'PENDING')"
UPDATE = "UPDATE conversation_events SET status = 'PROCESSED'"
TABLE = "conversation_events"
WAIT_S = 0.5  # the worker's patience with a lock


@pytest.fixture(scope="module", params=[SQLITE, POSTGRES])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with one event in it."""
    folder = tmp_path_factory.mktemp("outage")
    with ExitStack() as stack:
        scope = stack.enter_context(RunScope(f"outage-test-{uuid.uuid4().hex[:8]}", folder / "state"))
        server = stack.enter_context(databases(request.param, scope, folder / "logs"))
        found = stack.enter_context(server.fresh("outage"))
        engine = create_engine(found)
        with engine.begin() as connection:
            connection.execute(text(CREATE))
            connection.execute(text(INSERT), {"name": "first"})
        engine.dispose()
        yield found


@pytest.fixture
def worker(url: str) -> Iterator[Engine]:
    """A client that has a connection open, as the worker has, and waits half a second for a lock."""
    is_sqlite = url.startswith("sqlite")
    limits = {"timeout": WAIT_S} if is_sqlite else {"options": f"-c lock_timeout={WAIT_S * 1000:.0f}"}
    engine = create_engine(url, connect_args=limits, pool_size=1, pool_pre_ping=not is_sqlite)
    with engine.begin() as connection:
        if is_sqlite:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.execute(text(UPDATE))
    yield engine
    engine.dispose()


def outage_of(url: str) -> DatabaseOutage:
    """Return what the faults do to the database at ``url``."""
    return DatabaseOutage(url, TABLE)


def write(engine: Engine) -> None:
    """Write as the worker does."""
    with engine.begin() as connection:
        connection.execute(text(UPDATE))


def test_a_locked_database_makes_writers_wait_in_vain(url: str, worker: Engine) -> None:
    """Guarantees that a worker waits as long as its own limit, and that the lock goes."""
    with outage_of(url).locked() as seen:
        began_s = time.monotonic()
        with pytest.raises(SQLAlchemyError, match="lock"):
            write(worker)
        assert time.monotonic() - began_s >= WAIT_S
    assert "lock" in seen
    write(worker)


def test_a_database_that_is_down_fails_at_once_also_for_who_was_connected(url: str, worker: Engine) -> None:
    """Guarantees that an open connection is no way around it, and that the rows are there again afterwards."""
    with outage_of(url).down() as seen, pytest.raises(SQLAlchemyError):
        write(worker)
    assert "a read fails: " in seen
    write(worker)
    with worker.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM conversation_events")).scalar() == 1


@pytest.mark.parametrize("outage", ["locked", "down"])
def test_an_outage_that_does_nothing_is_not_enforceable(url: str, outage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that the proof can fail: with a probe that always succeeds no outage is believed, and it is healed."""
    monkeypatch.setattr(DatabaseOutage, "_delete_nothing", "SELECT 1")
    monkeypatch.setattr(DatabaseOutage, "_count_nothing", "SELECT 1")
    if not url.startswith("sqlite"):
        monkeypatch.setattr(outage_module, "_down_postgres", lambda url: outage_module._down_sqlite(url, TABLE))

    with pytest.raises(NotEnforceableError, match="a statement succeeds"), getattr(outage_of(url), outage)():
        pass
