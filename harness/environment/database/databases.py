"""Where the trials of a run get their databases: one of its own for each trial, on SQLite or on PostgreSQL.

The campaign chooses with ``databases``, the trial asks for ``fresh``. The schema in them is the worker's affair; what
is in them is read by ``database``. Two back ends: files in the run's own folder, or a PostgreSQL server, private or the
user's.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import sqlite3
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from harness.environment.database.postgres import postgres
from harness.environment.ports import is_loopback
from harness.errors import PartFailedError, RefusedTargetError, UsageError
from harness.redaction import masked_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import URL

    from harness.environment.run.run_scope import RunScope

SQLITE, POSTGRES = "sqlite", "postgres"
_DRIVER = "postgresql+psycopg"
_CONNECT_TIMEOUT_S = 5
# A PostgreSQL identifier has 63 bytes at most; what is cut off is made up for by the random end.
_NAME_CHARS_MAX = 40


class Databases(Protocol):
    """Hands out empty databases. ``version`` is for the manifest."""

    version: str

    def fresh(self, name: str) -> contextlib.AbstractContextManager[str]:
        """Make an empty database, named after ``name``; within the context its URL is good, afterwards it is gone."""
        ...


@contextlib.contextmanager
def databases(choice: str, scope: RunScope, log_folder: Path, *, allow_target: bool = False) -> Iterator[Databases]:
    """Yield what ``choice`` names: ``sqlite``, ``postgres`` (a private server), or the URL of a server.

    Raises what ``accepted_database`` and ``postgres`` raise, PartFailedError when the server at a URL does not answer.
    """
    url = accepted_database(choice, allow_target=allow_target)
    if url is not None:
        yield PostgresDatabases(url)
    elif choice == POSTGRES:
        with postgres(scope, log_folder) as server:
            yield PostgresDatabases(make_url(server.url))
    else:
        yield SqliteFiles(scope.tmp)


def accepted_database(choice: str, *, allow_target: bool) -> URL | None:
    """Return the URL of a PostgreSQL server that load may go to, None for a private back end. Connects to nothing.

    Raises RefusedTargetError when its host is not this machine and ``allow_target`` is not set, UsageError for what is
    neither.
    """
    if choice in (SQLITE, POSTGRES):
        return None
    try:
        url = make_url(choice).set(drivername=_DRIVER)
    except ArgumentError:
        url = None
    if url is None or not url.host or not choice.startswith("postgresql"):
        raise UsageError(
            f"--database {masked_url(choice)}: give sqlite, postgres, or postgresql://user:password@host:port/database"
        )
    if url.query:
        # libpq would let a host that is named there take the place of the one that is checked here.
        raise UsageError(f"--database {masked_url(choice)}: parameters after ? are not taken; leave them out")
    if not allow_target and not is_loopback(url.host):
        raise RefusedTargetError(
            f"the database {masked_url(choice)} is not on this machine; load goes there only with --allow-target"
        )
    return url


class SqliteFiles:
    """A file for each trial, in the run's folder; after a failure it goes with that."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.version = f"SQLite {sqlite3.sqlite_version}"

    @contextlib.contextmanager
    def fresh(self, name: str) -> Iterator[str]:
        """Yield the URL of a file that is not there yet; afterwards it is removed, with its journals."""
        yield f"sqlite:///{self._folder / f'{name}.db'}"
        for path in self._folder.glob(f"{name}.db*"):
            path.unlink(missing_ok=True)


class PostgresDatabases:
    """A database for each trial on one server, dropped after it. ``url`` names a user who may create databases."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self.version = f"PostgreSQL {self._execute('SHOW server_version')}"

    @contextlib.contextmanager
    def fresh(self, name: str) -> Iterator[str]:
        """Yield the URL of a new database; whoever is still connected to it at the end is cut off."""
        cleaned = re.sub(r"[^a-z0-9]+", "_", name.lower())[:_NAME_CHARS_MAX]
        database = f"harness_{cleaned}_{secrets.token_hex(4)}"
        self._execute(f'CREATE DATABASE "{database}"')
        try:
            yield self._url.set(database=database).render_as_string(hide_password=False)
        finally:
            self._execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _execute(self, statement: str) -> str | None:
        """Execute one statement outside a transaction; return the first value of what it answers."""
        engine = create_engine(
            self._url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": _CONNECT_TIMEOUT_S}
        )
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return str(result.scalar()) if result.returns_rows else None
        except SQLAlchemyError as error:
            reason = str(error).partition("\n")[0]
            masked = masked_url(self._url.render_as_string(hide_password=True))
            raise PartFailedError(f"{statement} failed, database server {masked}: {reason}") from error
        finally:
            engine.dispose()
