"""The worker's database, locked or down for as long as a context lasts; both are proven by a connection of our own.

Used by the faults of the database. SQLite and PostgreSQL answer differently to the same trouble, and each branch says
how. It does not know when, or for how long.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from harness.errors import NotEnforceableError, PartFailedError
from harness.redaction import masked_url
from harness.waiting import NotYetError, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

# The worker's transactions last milliseconds; several threads of them at once, on a busy machine, let us in within
# this.
_TURN_TIMEOUT_S = 30.0
_PROBE_TIMEOUT_S = 1  # what a connection that must not get through waits for
_READABLE_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class DatabaseOutage:
    """The database at ``url``, and the table in it that the worker's outcomes are in."""

    url: str = field(repr=False)
    table: str

    @contextmanager
    def locked(self) -> Iterator[str]:
        """Hold a lock: in SQLite nobody else can write, in PostgreSQL nobody else can use the table at all.

        Yields the error that a writer of our own got. Raises NotEnforceableError when its statement succeeds,
        PartFailedError when the lock is not to be had.
        """
        with (
            _engine(self.url, _TURN_TIMEOUT_S) as engine,
            _named("the lock is not to be had", self.url),
            engine.connect() as holder,
        ):
            if _is_sqlite(self.url):
                holder.exec_driver_sql("BEGIN EXCLUSIVE")
            else:
                holder.exec_driver_sql(f"BEGIN; LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE")
            try:
                yield f"a write fails: {_refusal(self.url, self._delete_nothing)}"
            finally:
                holder.exec_driver_sql("ROLLBACK")
        self._wait_until_it_works()

    @contextmanager
    def down(self) -> Iterator[str]:
        """Have every statement on the table fail at once.

        PostgreSQL cuts off who is connected and lets nobody in. SQLite has no server that could be down, and a file
        stays open to those who have it open: there the table is renamed, and statements fail with "no such table".
        Raises as ``locked`` does.
        """
        with _down_sqlite(self.url, self.table) if _is_sqlite(self.url) else _down_postgres(self.url):
            yield f"a read fails: {_refusal(self.url, self._count_nothing)}"
        self._wait_until_it_works()

    @property
    def _delete_nothing(self) -> str:
        return f"DELETE FROM {self.table} WHERE 1 = 0"  # noqa: S608 - a name of ours; no row is ever deleted

    @property
    def _count_nothing(self) -> str:
        return f"SELECT count(*) FROM {self.table} WHERE 1 = 0"  # noqa: S608 - as above

    def _wait_until_it_works(self) -> None:
        def works() -> bool:
            with _engine(self.url, _PROBE_TIMEOUT_S) as engine:
                try:
                    with engine.connect() as connection:
                        connection.execute(text(self._delete_nothing))
                except SQLAlchemyError as error:
                    raise NotYetError(str(error).partition("\n")[0]) from error
            return True

        wait_for("the database to take a statement again", works, timeout_s=_READABLE_TIMEOUT_S)


@contextmanager
def _down_sqlite(url: str, table: str) -> Iterator[None]:
    away = f"{table}_taken_away"
    _execute(url, f"ALTER TABLE {table} RENAME TO {away}")
    try:
        yield
    finally:
        _execute(url, f"ALTER TABLE {away} RENAME TO {table}")


@contextmanager
def _down_postgres(url: str) -> Iterator[None]:
    parts = make_url(url)
    server = parts.set(database="postgres").render_as_string(hide_password=False)
    name = parts.database
    _execute(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    try:
        who = f"FROM pg_stat_activity WHERE datname = '{name}'"
        _execute(server, f"SELECT pg_terminate_backend(pid) {who}")
        yield
    finally:
        _execute(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@contextmanager
def _engine(url: str, wait_s: float) -> Iterator[Engine]:
    """Yield an engine that keeps no connection open, and waits for a lock as long as ``wait_s``."""
    limits = {"timeout": wait_s} if _is_sqlite(url) else {"options": f"-c lock_timeout={wait_s * 1000:.0f}"}
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=limits)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _named(failure: str, url: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(error).partition("\n")[0]
        raise PartFailedError(f"{failure}, database {masked_url(url)}: {reason}") from error


def _execute(url: str, statement: str) -> None:
    with _engine(url, _TURN_TIMEOUT_S) as engine, _named(f"{statement} failed", url), engine.connect() as connection:
        connection.execute(text(statement))


def _refusal(url: str, statement: str) -> str:
    """Return the error that a client gets now, its first line. Raises NotEnforceableError when it gets none."""
    with _engine(url, _PROBE_TIMEOUT_S) as engine:
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        except SQLAlchemyError as error:
            return str(getattr(error, "orig", error)).strip().partition("\n")[0]
    raise NotEnforceableError(f"the database {masked_url(url)} was to fail, and a statement succeeds")


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")
