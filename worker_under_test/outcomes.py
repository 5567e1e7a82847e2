"""The values of one message: its delivery, its failure, and its settlement with the broker.

The consumer, the message handlers and the remedies exchange these values. Nothing here uses the broker or the database.
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

# Long enough for any message of httpx or SQLAlchemy; a thousand of them are half a megabyte.
DETAILS_LENGTH_MAX = 500


@dataclass(slots=True, weakref_slot=True)
class Delivery:
    """One message that the worker holds.

    It is mutable for two reasons: the conversation's id is known only once the body was read, and ``body`` is freed as
    soon as it is no longer needed. ``channel_epoch`` counts the channels since the process started: a delivery tag
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
    UNPARSEABLE = "unparseable"  # the body is no conversation; no redelivery changes that
    DATABASE = "database"  # the database can't be reached: nothing can be recorded, not even this
    REFUSED = "refused"  # the database refuses this outcome for its content
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message failed, as text: an exception would keep its frames, and they keep the message (report, 2.3.3)."""

    kind: FailureKind
    error_code: str
    error_details: str


class Settlement(Enum):
    """How a message is settled with the broker."""

    ACK = "ack"
    NACK_REQUEUE = "nack_requeue"
    NACK_DROP = "nack_drop"
    REQUEUE_LATER = "requeue_later"  # stays unacknowledged for REQUEUE_BACKOFF_SECONDS, then goes back


def describe_failure(error: Exception) -> Failure:
    """Return the kind, code and text of ``error``; the result keeps no reference to it."""
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
