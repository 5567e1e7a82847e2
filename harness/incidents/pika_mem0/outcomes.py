"""The outcome store of the incident: the table ``conversation_events``, made by the worker's own ``migrate``.

``open_store`` is what the trial calls; the store keeps ``harness.protocols.outcome_store``. The API server of the
incident stored an event before it published; ``expect`` does that half ahead of time. Plain SQL through SQLAlchemy; no
model of the worker's is imported.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from harness.environment.process import Child
from harness.errors import PartFailedError
from harness.incidents.pika_mem0.worker import MODULE
from harness.record import Outcome
from harness.redaction import masked_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from harness.protocols.worker import Preset

_MIGRATE_TIMEOUT_S = 60.0
TABLE = "conversation_events"
_ROWS_MAX = 200_000  # twice the most messages a scenario may publish


@dataclass(frozen=True, slots=True)
class ConversationEvents:
    """A database with the worker's schema. ``url`` is what the worker gets."""

    url: str = field(repr=False)
    is_readable: bool = True
    table: str = TABLE

    def expect(self, message_ids: Sequence[str]) -> None:
        """Store one PENDING event for each id, all or none. Raises PartFailedError."""
        insert = text(
            "INSERT INTO conversation_events (conversation_id, status, retry_count, created_at, updated_at)"
            " VALUES (:conversation_id, 'PENDING', 0, :now, :now)"
        )
        with self._connection("the events could not be seeded") as connection:
            now = datetime.now(UTC)
            # SQLite keeps no zone; PostgreSQL would take a time without one for its session's.
            stamp = (now.replace(tzinfo=None) if connection.dialect.name == "sqlite" else now).isoformat(sep=" ")
            if message_ids:
                connection.execute(insert, [{"conversation_id": name, "now": stamp} for name in message_ids])

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return every event, by conversation id. Raises PartFailedError when the database does not answer."""
        query = text(
            "SELECT conversation_id, status, error_code, retry_count, next_attempt_at, updated_at, friendship_score"
            " FROM conversation_events"
            " ORDER BY conversation_id LIMIT :rows_max"
        )
        with self._connection("the events could not be read") as connection:
            found = connection.execute(query, {"rows_max": _ROWS_MAX}).all()
        return tuple(
            Outcome(name, status, code, int(retries or 0), _iso(due), failed_at=_iso(updated), result=score)
            for name, status, code, retries, due, updated, score in found
        )

    @contextmanager
    def _connection(self, failure: str) -> Iterator[Connection]:
        """Open a connection with a transaction; what goes wrong is a PartFailedError that begins with ``failure``."""
        try:
            engine = create_engine(self.url)
            try:
                with engine.begin() as connection:
                    yield connection
            finally:
                engine.dispose()
        except (SQLAlchemyError, ImportError) as error:
            # The first line names the reason; the statement and its parameters follow, thousands of them perhaps.
            reason = str(error).partition("\n")[0]
            raise PartFailedError(f"{failure}, database {masked_url(self.url)}: {reason}") from error


def _iso(due: object) -> str | None:
    """Return a time as ISO 8601, UTC, without its zone: SQLite gives that text, PostgreSQL a datetime."""
    if isinstance(due, datetime):
        return due.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return None if due is None else str(due)


def open_store(url: str, spec: Preset, env: Mapping[str, str], log_file: Path, *, cwd: Path) -> ConversationEvents:
    """Return the database at ``url`` with the worker's schema: each preset has its own, and one refuses a status.

    A command gets the schema of ``fixed``. Raises PartFailedError when the migration fails.
    """
    argv = (*MODULE, "migrate", "--preset", spec.preset or "fixed")
    with Child("migrate", argv, {**env, "DATABASE_URL": url}, log_file, cwd=cwd) as child:
        status = child.wait(_MIGRATE_TIMEOUT_S)
        if status != 0:
            raise PartFailedError(f"the worker's migrate ended with {status}; its log ends:\n{child.tail()}")
    return ConversationEvents(url)
