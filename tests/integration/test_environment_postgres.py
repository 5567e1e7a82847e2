"""A private PostgreSQL: up as an unprivileged user, asked, on loopback alone, and gone, however its harness ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from harness.environment.database import postgres as postgres_part
from harness.environment.database.databases import PostgresDatabases, accepted_database, databases
from harness.environment.database.postgres import PostgresServer, postgres
from harness.environment.run.census import census
from harness.environment.run.outside_folders import outside_folders
from harness.environment.run.run_scope import RunScope
from harness.environment.run.sweep import sweep_dead_runs
from harness.errors import MissingPartError, PartFailedError, RefusedTargetError, UsageError
from harness.incidents.pika_mem0.outcomes import ConversationEvents, open_store
from harness.machine import checkout
from harness.scenario import WorkerSpec
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

LIMIT_S = 60.0
FIXED = WorkerSpec(preset="fixed")
# A harness in small, with a server in it.
HARNESS = """
import sys, threading
from pathlib import Path
from harness.environment.database.postgres import postgres
from harness.environment.run.run_scope import RunScope
with RunScope(sys.argv[1], Path(sys.argv[2])) as scope, postgres(scope, Path(sys.argv[3])):
    print("up", flush=True)
    threading.Event().wait(600)
"""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's logs are kept."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Iterator[PostgresServer]:
    """One server for the module; its end is checked when it is left."""
    root = tmp_path_factory.mktemp("postgres") / "state"
    with RunScope("postgres-test", root) as scope:
        with postgres(scope, logs) as running:
            folders = outside_folders(scope.folder)
            yield running
        assert not census(scope.run_id, root).processes
    assert census("postgres-test", root).clean, census("postgres-test", root).text
    assert not any(folder.exists() for folder in folders)
    assert "ready to accept connections" in (logs / "postgres.log").read_text()


@pytest.fixture
def on_server(server: PostgresServer) -> PostgresDatabases:
    """Databases on that server."""
    return PostgresDatabases(make_url(server.url))


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection with a transaction."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def names(server: PostgresServer) -> set[str]:
    """Return the databases that are on the server."""
    with connected(server.url) as connection:
        return set(connection.scalars(text("SELECT datname FROM pg_database")))


def test_it_runs_as_no_root_and_listens_on_loopback_alone(server: PostgresServer) -> None:
    """Guarantees a server that nobody else reaches, and that this works for root as for anybody."""
    process = psutil.Process(server.pid)
    assert process.uids().effective != 0
    assert {each.laddr.ip for each in process.net_connections("all") if each.status == "LISTEN"} == {"127.0.0.1"}
    assert server.version[0].isdecimal()


def test_a_trial_has_a_database_of_its_own_and_leaves_none(
    server: PostgresServer, on_server: PostgresDatabases
) -> None:
    """Guarantees that two trials of one name do not meet, and that one still connected does not keep its database."""
    before = names(server)
    with suppress(OperationalError), ExitStack() as lingering:
        with on_server.fresh("Fixed-profiled") as first, on_server.fresh("Fixed-profiled") as second:
            assert first != second
            assert len(names(server) - before) == 2
            lingering.enter_context(connected(first)).execute(text("SELECT 1"))
        assert names(server) == before


def test_the_harness_seeds_and_reads_it_as_it_does_sqlite(on_server: PostgresDatabases, logs: Path) -> None:
    """Guarantees the two halves of a trial's database, all or none and with its refusals in a sentence."""
    with on_server.fresh("rows") as url:
        migrated = open_store(url, FIXED, dict(os.environ), logs / "migrate.log", cwd=checkout())
        with pytest.raises(PartFailedError, match=r"could not be seeded.*duplicate key"):
            migrated.expect(["a", "a"])
        migrated.expect(["b", "a"])
        assert [(row.message_id, row.status) for row in migrated.outcomes()] == [("a", "PENDING"), ("b", "PENDING")]
        with connected(url) as connection:
            connection.execute(
                text("UPDATE conversation_events SET status = 'FAILED', next_attempt_at = '2026-01-01 18:00:00+00'")
            )
        assert {row.next_attempt_at for row in migrated.outcomes()} == {"2026-01-01 18:00:00.000000"}


def test_the_password_is_told_to_nobody(server: PostgresServer, on_server: PostgresDatabases, logs: Path) -> None:
    """Guarantees that logs, representations and error messages can be shared."""
    password = make_url(server.url).password
    assert password
    with on_server.fresh("secret") as url:
        with pytest.raises(PartFailedError) as error:
            ConversationEvents(url).outcomes()
        mistaken = str(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) + "?x=y"
        with pytest.raises(UsageError) as refused:
            accepted_database(mistaken, allow_target=False)
    kept = "".join(path.read_text() for path in logs.iterdir())
    for said in (repr(server), str(error.value), str(refused.value), kept):
        assert password not in said


def test_a_killed_harness_leaves_no_server_behind(tmp_path: Path) -> None:
    """Guarantees that the sweep ends a server that runs as another user, with its folder and its shared memory."""
    root = tmp_path / "state"
    argv = [sys.executable, "-c", HARNESS, "killed-pg", str(root), str(tmp_path / "logs")]
    with subprocess.Popen(argv, cwd=checkout(), stdout=subprocess.PIPE) as harness:
        try:
            assert harness.stdout is not None
            assert harness.stdout.readline() == b"up\n"
        finally:
            harness.kill()
    (seen,) = census("killed-pg", root).processes
    processes = [psutil.Process(seen.pid), *psutil.Process(seen.pid).children()]
    (folder,) = outside_folders(root / "killed-pg")
    segment = (folder / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]

    assert sweep_dead_runs(root).clean

    assert census("killed-pg", root).clean
    assert not folder.exists()
    wait_for("its processes to be gone", lambda: not any(map(psutil.Process.is_running, processes)), timeout_s=LIMIT_S)
    shared = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    assert segment not in {line.split()[1] for line in shared}


def test_without_postgresql_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees a sentence that helps in place of a traceback."""
    monkeypatch.setattr(postgres_part, "find_postgres", lambda: None)
    with (
        RunScope("no-postgres", tmp_path / "state") as scope,
        pytest.raises(MissingPartError, match="make test-parts"),
        databases("postgres", scope, tmp_path / "logs"),
    ):
        pass


def test_a_server_that_does_not_come_up_is_said_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees the reason, in PostgreSQL's own words, and that nothing is left."""
    monkeypatch.setattr(postgres_part, "_CONNECTIONS_MAX", -1)
    with RunScope("bad-postgres", tmp_path / "state") as scope:
        with pytest.raises(PartFailedError, match="max_connections"), postgres(scope, tmp_path / "logs"):
            pass
        assert not census(scope.run_id, scope.root).processes
    assert census("bad-postgres", tmp_path / "state").clean


@pytest.mark.parametrize(
    ("choice", "error", "said"),
    [
        ("postgresql://u:secret@192.0.2.1/db", RefusedTargetError, "--allow-target"),
        ("postgresql://u:secret@127.0.0.1/db?host=192.0.2.1", UsageError, "parameters"),
        ("postgresql:///db", UsageError, "give sqlite, postgres, or"),
        ("mysql://u:secret@127.0.0.1/db", UsageError, "give sqlite, postgres, or"),
        ("secret", UsageError, "give sqlite, postgres, or"),
    ],
)
def test_a_database_that_load_may_not_go_to_is_refused(choice: str, error: type[Exception], said: str) -> None:
    """Guarantees that load stays on this machine, whichever way the URL names another; no password is shown."""
    with pytest.raises(error, match=said) as refused:
        accepted_database(choice, allow_target=False)
    assert "secret" not in str(refused.value)


def test_a_target_that_was_allowed_is_accepted() -> None:
    """Guarantees that --allow-target is what it takes, and that the driver is the one that is installed."""
    url = accepted_database("postgresql://u:secret@192.0.2.1/db", allow_target=True)
    assert url is not None
    assert (url.drivername, url.host, url.password) == ("postgresql+psycopg", "192.0.2.1", "secret")
    assert accepted_database("sqlite", allow_target=False) is None
