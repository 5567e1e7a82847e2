"""The tables: ``conversation_events``, and the messages kept for the retry job.

``conversation_events`` is the original's; its columns are in ``docs/reference/contracts.md``.
``conversation_event_messages`` stands in for the original's conversation store: the report's retry job has the log of
a failed event hours after its message was acknowledged, so it was stored somewhere. Here it is stored beside the event,
in the same transaction that marks it FAILED. This module defines the tables; the migrations create them, ``database``
connects.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import DateTime, Float, ForeignKey, Index, Integer, LargeBinary, String, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class ConversationEventStatus(StrEnum):
    """The status of an event."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    PROCESSED = "PROCESSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    PERMANENTLY_FAILED = "PERMANENTLY_FAILED"


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, UTC on both sides.

    SQLite keeps no zone, so it is taken off on the way in and put back on the way out.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return ``value`` as UTC; SQLite gets it without the zone."""
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """Return ``value`` with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The declarative base of the two tables."""


class ConversationEvent(Base):
    """One conversation's event.

    The CHECK on ``status`` is in the migrations alone: the report's differs from the hardened one. ``claimed_by`` and
    ``claimed_until`` belong to the retry job that works on the event.
    """

    __tablename__ = "conversation_events"
    __table_args__ = (Index("conversation_events_due", "status", "next_attempt_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(String(255), unique=True)
    status: Mapped[str] = mapped_column(
        String(50), default=ConversationEventStatus.PENDING.value, server_default=ConversationEventStatus.PENDING.value
    )
    error_code: Mapped[str | None] = mapped_column(String(100))
    error_details: Mapped[str | None] = mapped_column(Text)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retry_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    claimed_by: Mapped[str | None] = mapped_column(String(32))
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    friendship_score: Mapped[float | None] = mapped_column(Float)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=func.now())


class ConversationEventMessage(Base):
    """The message of a FAILED event, compressed, until its retry succeeds."""

    __tablename__ = "conversation_event_messages"

    conversation_id: Mapped[str] = mapped_column(
        String(255), ForeignKey(ConversationEvent.conversation_id), primary_key=True
    )
    body_zlib: Mapped[bytes] = mapped_column(LargeBinary)
