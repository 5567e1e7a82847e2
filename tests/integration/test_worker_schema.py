"""The schema by its migrations, on SQLite and on PostgreSQL: what they make, keep, refuse, and do when interrupted."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from harness.environment.database.databases import Databases
from harness.environment.process import Child
from harness.machine import checkout
from tests.worker_databases import KINDS, database_servers
from worker_under_test.conversation_event_model import Base, ConversationEventStatus
from worker_under_test.database import create_schema, open_database
from worker_under_test.remedies.behaviour import Behaviour

pytestmark = pytest.mark.integration

LIMIT_S = 60.0
INSERT = text("INSERT INTO conversation_events (conversation_id, status, retry_count) VALUES (:name, :status, 3)")
DUE = (
    "SELECT * FROM conversation_events WHERE status = 'FAILED' AND next_attempt_at <= '2026-01-01' ORDER BY 2 LIMIT 25"
)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Databases]]:
    """Where the databases of this module are made."""
    with database_servers(tmp_path_factory.mktemp("schema"), "worker-schema") as made:
        yield made


@pytest.fixture(params=KINDS)
def engine(servers: Mapping[str, Databases], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database, on either."""
    with servers[request.param].fresh(tmp_path.name) as url:
        opened = open_database(url, connections_max=4)
        yield opened
        opened.dispose()


def insert(engine: Engine, name: str, status: str) -> None:
    """Store an event."""
    with engine.begin() as connection:
        connection.execute(INSERT, {"name": name, "status": status})


def test_the_migrations_make_what_the_model_says(engine: Engine) -> None:
    """Guarantees that no column, key or index of the model is missing from the schema, and none is there beyond."""
    create_schema(engine, Behaviour.HARDENED)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.parametrize("status", list(ConversationEventStatus))
def test_the_hardened_check_admits_every_status(engine: Engine, status: str) -> None:
    """Guarantees that the worker's own updates are never refused."""
    create_schema(engine, Behaviour.HARDENED)
    insert(engine, "c-0", status)


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (Behaviour.HARDENED, "LOST"),
        (Behaviour.REPORTED, "LOST"),
        (Behaviour.REPORTED, "PERMANENTLY_FAILED"),
        (Behaviour.ORIGINAL, "PERMANENTLY_FAILED"),
    ],
)
def test_a_check_refuses_what_it_does_not_know(engine: Engine, behaviour: Behaviour, status: str) -> None:
    """Guarantees the CHECK; shows hole 9 in the report's."""
    create_schema(engine, behaviour)
    with pytest.raises(IntegrityError, match="conversation_events_status"):
        insert(engine, "c-0", status)


def test_the_reports_schema_becomes_the_hardened_one_with_all_that_is_in_it(engine: Engine) -> None:
    """Guarantees the way of a production database: rows and messages stay, hole 9 closes, and none goes back."""
    create_schema(engine, Behaviour.REPORTED)
    insert(engine, "c-0", "FAILED")
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO conversation_event_messages VALUES ('c-0', :body)").bindparams(body=b"kept")
        )
    for behaviour in (Behaviour.HARDENED, Behaviour.HARDENED, Behaviour.REPORTED):
        create_schema(engine, behaviour)
    insert(engine, "c-1", "PERMANENTLY_FAILED")
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT conversation_id, status, retry_count FROM conversation_events ORDER BY 1")
        )
        assert rows.all() == [("c-0", "FAILED", 3), ("c-1", "PERMANENTLY_FAILED", 3)]
        assert bytes(connection.scalar(text("SELECT body_zlib FROM conversation_event_messages")) or b"") == b"kept"


def test_the_due_query_has_an_index(engine: Engine) -> None:
    """Guarantees that a retry job reads what is due, and not the table, by the planner's own word."""
    create_schema(engine, Behaviour.HARDENED)
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if not is_sqlite:
            connection.execute(text("SET enable_seqscan = off"))  # an empty table is read whole, with any index
        plan = connection.execute(text(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{DUE}")).all()
    assert "conversation_events_due" in str(plan)


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    """Guarantees all or none: a table in the way of a later step undoes the earlier ones."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE conversation_event_messages (id INTEGER)"))
    with pytest.raises(DBAPIError, match="already exists"):
        create_schema(engine, Behaviour.HARDENED)
    assert set(inspect(engine).get_table_names()) <= {"conversation_event_messages", "alembic_version"}
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE conversation_event_messages"))
    create_schema(engine, Behaviour.HARDENED)
    insert(engine, "c-0", "PENDING")


def test_several_migrations_at_once_make_one_schema(engine: Engine, tmp_path: Path) -> None:
    """Guarantees that workers which are started together may all migrate first, whoever is the quickest."""
    url = engine.url.render_as_string(hide_password=False)
    env = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(checkout())}
    argv = [sys.executable, "-m", "worker_under_test", "migrate"]
    with ExitStack() as stack:
        children = [
            stack.enter_context(Child("migrate", argv, env, tmp_path / f"migrate-{number}.log")) for number in range(3)
        ]
        assert [child.wait(LIMIT_S) for child in children] == [0, 0, 0], "".join(child.tail() for child in children)
    insert(engine, "c-0", "PENDING")
