"""What becomes of one message: the delivery in hand, the failure that met it, and how it is settled with the broker.

The consumer, the processing service and the remedies speak in these values. Nothing here talks to the broker or to
the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import httpx
from sqlalchemy.exc import SQLAlchemyError

from worker_under_test.errors import (
    AlreadyInHandError,
    DatabaseUnavailableError,
    LlmResponseError,
    LlmTimeoutError,
    MemoryApiResponseError,
    MemoryApiTimeoutError,
    OutcomeRefusedError,
    UnparseableMessageError,
)

# Long enough for any message of httpx or SQLAlchemy, short enough that a thousand of them are nothing.
DETAILS_LENGTH_MAX = 500


@dataclass(slots=True, weakref_slot=True)
class Delivery:
    """One message in hand.

    It is mutable for two reasons: the conversation's id is known only once the body was read, and ``body`` is let go
    of as soon as nobody needs it. ``channel_epoch`` counts the channels since the process started: a delivery tag
    means nothing on any other channel.
    """

    body: bytes
    tag: int = 0
    channel_epoch: int = 0
    conversation_id: str | None = None


class FailureKind(Enum):
    """The kinds of failure that are treated differently."""

    TIMEOUT = "timeout"  # the memory API or the LLM did not answer in time
    IN_HAND = "in_hand"  # another thread works on an earlier delivery of the same message
    UNPARSEABLE = "unparseable"  # the body is no conversation, and never will be
    DATABASE = "database"  # the database can't be reached: nothing can be recorded, not even this
    REFUSED = "refused"  # the database is there, and will not take this outcome
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message failed, as text: an exception would keep its frames, and they keep the message (report, 2.3.3)."""

    kind: FailureKind
    error_code: str
    error_details: str


class Settlement(Enum):
    """What the broker is told."""

    ACK = "ack"
    NACK_REQUEUE = "nack_requeue"
    NACK_DROP = "nack_drop"
    REQUEUE_LATER = "requeue_later"  # stays unacknowledged for REQUEUE_BACKOFF_SECONDS, then goes back


def describe_failure(error: Exception) -> Failure:
    """Return what is worth keeping of ``error``; nothing of it is referred to afterwards."""
    if isinstance(error, (httpx.TimeoutException, MemoryApiTimeoutError)):
        kind, code = FailureKind.TIMEOUT, "MEMORY_API_TIMEOUT"
    elif isinstance(error, UnparseableMessageError):
        kind, code = FailureKind.UNPARSEABLE, "UNPARSEABLE_MESSAGE"
    elif isinstance(error, AlreadyInHandError):
        kind, code = FailureKind.IN_HAND, "ALREADY_IN_HAND"
    elif isinstance(error, OutcomeRefusedError):
        kind, code = FailureKind.REFUSED, "DATABASE_REFUSED"
    elif isinstance(error, (DatabaseUnavailableError, SQLAlchemyError)):
        kind, code = FailureKind.DATABASE, "DATABASE_UNAVAILABLE"
    elif isinstance(error, LlmTimeoutError):
        kind, code = FailureKind.OTHER, "LLM_TIMEOUT"
    elif isinstance(error, LlmResponseError):
        kind, code = FailureKind.OTHER, "LLM_ERROR"
    elif isinstance(error, (MemoryApiResponseError, httpx.HTTPError)):
        kind, code = FailureKind.OTHER, "MEMORY_API_ERROR"
    else:
        kind, code = FailureKind.OTHER, "PROCESSING_ERROR"
    return Failure(kind, code, f"{type(error).__name__}: {error}"[:DETAILS_LENGTH_MAX])
