"""Remedy: when a failure counts as recorded, and what happens when it can't be recorded.

A FAILED event is retried by the retry job; once it is committed, the broker may drop the message. ``timeout_outcome``,
``other_error_outcome`` and ``bounded_queue`` record through this, the processing service reads and writes its events
through ``durably``. The original recorded no failures; where another remedy makes it record one, it
does as the report's code does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from worker_under_test.conversation_event_model import ConversationEventStatus
from worker_under_test.conversation_event_repository import (
    ConversationEventRepository,
    RetryPolicy,
    compress_message,
)
from worker_under_test.errors import DatabaseUnavailableError, OutcomeRefusedError
from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from worker_under_test.database import SessionFactory
    from worker_under_test.errors import WorkerError
    from worker_under_test.outcomes import Failure

logger = structlog.get_logger()

REMEDY = Remedy(
    name="failure_record",
    original="as in the report, where another remedy records at all",
    reported="tried once; the message is settled even when that failed, or no row exists",
    hardened="the row is created; held while the database is away, then back to the broker",
    asked_for="3.2.3, 3.5 (holes 7 and 8)",
)

T = TypeVar("T")

# The database can't be reached, is busy, read-only after a fail-over, or not migrated yet: each driver has its own
# error for that, and a wait can help.
_AWAY = (DBAPIError, PoolTimeoutError)
# These are caused by the row's content and come again each time; a single one may be due to another worker's insert.
_REFUSED = (DataError, IntegrityError)

# Between two tries: short at first, because most outages of a database are a lock held a moment too long.
_FIRST_WAIT_S = 0.1
_WAIT_MAX_S = 2.0


class OutcomeRecorder(Protocol):
    """Writes outcomes to the database."""

    def durably(self, work: Callable[[ConversationEventRepository], T]) -> T:
        """Run ``work`` in one transaction, and return what it returned once that is committed."""
        ...

    def record_failed(self, conversation_id: str, failure: Failure, body: bytes, *, hold: bool = True) -> bool:
        """Mark the event FAILED and keep its message; return whether the broker may drop the message now.

        ``hold=False`` tries once only: the thread that serves the broker's heartbeats must not wait.
        """
        ...


def choose(
    behaviour: Behaviour, sessions: SessionFactory, policy: RetryPolicy, hold_s: float, stopping: threading.Event
) -> OutcomeRecorder:
    """Return the recorder of ``behaviour``; a hold ends early when ``stopping`` is set."""
    if behaviour is Behaviour.HARDENED:
        return DurableRecorder(sessions, policy, hold_s, stopping)
    return RecorderAsReported(sessions, policy)


class RecorderAsReported:
    """Records as the report's code does."""

    def __init__(self, sessions: SessionFactory, policy: RetryPolicy) -> None:
        self._sessions = sessions
        self._policy = policy

    def durably(self, work: Callable[[ConversationEventRepository], T]) -> T:
        """Try once."""
        with self._sessions() as db:
            result = work(ConversationEventRepository(db, self._policy))
            db.commit()
            return result

    def record_failed(
        self,
        conversation_id: str,
        failure: Failure,
        body: bytes,
        *,
        hold: bool = True,  # noqa: ARG002 - the protocol's signature
    ) -> bool:
        """Try once, and return True whether it worked or not.

        Hole 7: the database refused it. Hole 8: there is no row to mark.
        """

        def mark(repository: ConversationEventRepository) -> None:
            event = repository.get_by_conversation_id(conversation_id)
            if event:
                repository.mark_failed(event, failure.error_code, failure.error_details)
                repository.keep_message(conversation_id, compress_message(body))

        try:
            self.durably(mark)
        except SQLAlchemyError as db_error:
            logger.warning("mark_failed_failed", conversation_id=conversation_id, error=str(db_error))
        return True


class DurableRecorder:
    """Counts nothing as recorded that is not committed."""

    def __init__(self, sessions: SessionFactory, policy: RetryPolicy, hold_s: float, stopping: threading.Event) -> None:
        self._sessions = sessions
        self._policy = policy
        self._hold_s = hold_s
        self._stopping = stopping

    def durably(self, work: Callable[[ConversationEventRepository], T]) -> T:
        """Try until the hold is over.

        Raises:
            DatabaseUnavailableError: nothing was committed. ``work`` may have run several times, in transactions that
            were rolled back.
            OutcomeRefusedError: the database refuses it for its content.
        """
        return self._durably(work, self._hold_s)

    def record_failed(self, conversation_id: str, failure: Failure, body: bytes, *, hold: bool = True) -> bool:
        """Mark the event, which is created when it is missing; return False when it could not be committed.

        Beside the body, the thread holds a compressed copy meanwhile, a quarter of its size.
        """
        body_zlib = compress_message(body)

        def mark(repository: ConversationEventRepository) -> None:
            event = repository.get_or_create(conversation_id)
            if event.status == ConversationEventStatus.PROCESSED:
                return  # another delivery of the same message has succeeded meanwhile
            repository.mark_failed(event, failure.error_code, failure.error_details, event.retry_count)
            repository.keep_message(conversation_id, body_zlib)

        try:
            self._durably(mark, self._hold_s if hold else 0.0)
        except DatabaseUnavailableError as error:
            logger.warning("failure_not_recorded", conversation_id=conversation_id, error=str(error))
            return False
        return True

    def _durably(self, work: Callable[[ConversationEventRepository], T], hold_s: float) -> T:
        left_s, wait_s = hold_s, _FIRST_WAIT_S
        while True:
            try:
                with self._sessions.begin() as db:
                    return work(ConversationEventRepository(db, self._policy))
            except _AWAY as error:
                if left_s <= 0 or self._stopping.wait(min(wait_s, left_s)):
                    raise _error_after_hold(error, hold_s) from None
            left_s -= wait_s
            wait_s = min(2 * wait_s, _WAIT_MAX_S)


def _error_after_hold(error: Exception, hold_s: float) -> WorkerError:
    """Return the error for the last ``error`` of a hold. The driver's text would contain the statement's values."""
    if isinstance(error, _REFUSED):
        return OutcomeRefusedError(f"{type(error).__name__}: the database refuses this outcome")
    return DatabaseUnavailableError(f"{type(error).__name__} after {hold_s:g} s of hold")
