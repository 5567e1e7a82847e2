"""The database: its engine, and the migration of its schema.

The commands open it; the repository uses its sessions. SQLite runs in WAL mode, so that ten threads and a retry
job can read while one writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from worker_under_test.errors import ConfigurationError
from worker_under_test.remedies import retry_limit

if TYPE_CHECKING:
    from worker_under_test.remedies.behaviour import Behaviour

SessionFactory = sessionmaker[Session]

# How long a writer waits for another one. Transactions here last milliseconds, so a wait of five seconds means that
# something is wrong with the database or the machine.
_LOCK_WAIT_S = 5
# The limits under each driver's names; a statement of the worker takes milliseconds. libpq's shortest connect_timeout
# is 2 s.
_CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": _LOCK_WAIT_S},
    "postgresql": {"connect_timeout": _LOCK_WAIT_S, "options": f"-c statement_timeout={_LOCK_WAIT_S * 1000}"},
}
# SQLite's own default is 2 MB for each connection; events are small rows, and the worker has one connection for each
# thread.
_SQLITE_CACHE_KIB = 512


def open_database(database_url: str, connections_max: int) -> Engine:
    """Return an engine of at most ``connections_max`` connections; none is opened yet.

    Raises:
        ConfigurationError: ``database_url`` is not an address that SQLAlchemy knows.
    """
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise ConfigurationError("DATABASE_URL is not an SQLAlchemy URL; give e.g. sqlite:///events.db") from None
    is_sqlite = url.get_backend_name() == "sqlite"
    arguments = _CONNECT_ARGUMENTS.get(url.get_backend_name(), {})
    try:
        engine = create_engine(
            url,
            connect_args=arguments,
            pool_size=connections_max,
            max_overflow=0,
            pool_timeout=_LOCK_WAIT_S,
            pool_pre_ping=not is_sqlite,  # a server's connections die with it; a file's do not
        )
    except (ArgumentError, ImportError) as error:
        raise ConfigurationError(
            f"DATABASE_URL can't be used ({error}); install its driver or give sqlite:///events.db"
        ) from error
    if is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Configure each new connection to a SQLite file."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # With a WAL, NORMAL loses nothing when the process is killed, only when the machine loses power.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
    cursor.close()


def session_factory(engine: Engine) -> SessionFactory:
    """Return the maker of sessions, the original's ``SessionLocal``."""
    return sessionmaker(bind=engine)


def create_schema(engine: Engine, limit: Behaviour) -> None:
    """Bring the schema up to date: all revisions that are missing, or none where one fails.

    Which revision is the last depends on ``limit``, the behaviour of the retry limit: the report's CHECK lacks
    PERMANENTLY_FAILED. A schema that is at a later revision already is left as it is.
    """
    # Only the migration needs Alembic, and its megabytes would count as the worker's.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "worker_under_test:migrations")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, retry_limit.schema_revision(limit))
