"""The repository: reads and writes the tables, on one session.

Used by the processing service, the remedies that record an outcome, and the retry job. It never commits: the caller
does, once for everything that must become true together.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import IntegrityError

from worker_under_test.conversation_event_model import (
    ConversationEvent,
    ConversationEventMessage,
    ConversationEventStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from worker_under_test.remedies.retry_schedule import RetrySchedule

# The fastest level already shrinks conversation text to a quarter; a kept message is read a few times at most.
_COMPRESSION_LEVEL = 1


def utc_now() -> datetime:
    """Return the wall clock's time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a failed event is due again. ``now`` is the wall clock, or the retry job's ``--now``."""

    schedule: RetrySchedule
    base_hours: float
    now: Callable[[], datetime] = utc_now
    # The system's entropy, not a seed: workers started from one image must not draw the same jitter.
    rng: random.Random = field(default_factory=random.SystemRandom)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has claimed an event, and for how long: ``holder`` is one run of the retry job."""

    holder: str
    lease: timedelta


class ConversationEventRepository:
    """The events, and the messages kept for their retries, on the session ``db``."""

    def __init__(self, db: Session, policy: RetryPolicy) -> None:
        self.db = db
        self._policy = policy

    def get_by_conversation_id(self, conversation_id: str) -> ConversationEvent | None:
        """Return the event of a conversation, or None."""
        found = select(ConversationEvent).where(ConversationEvent.conversation_id == conversation_id)
        return self.db.scalars(found).one_or_none()

    def get_or_create(self, conversation_id: str) -> ConversationEvent:
        """Return the event of a conversation; a new PENDING one when the API server never stored it."""
        event = self.get_by_conversation_id(conversation_id)
        if event is not None:
            return event
        try:
            with self.db.begin_nested():
                event = ConversationEvent(conversation_id=conversation_id, retry_count=0)
                self.db.add(event)
        except IntegrityError:  # another worker inserted it first
            event = self.get_by_conversation_id(conversation_id)
            if event is None:  # the database refuses the row itself
                raise
        return event

    def mark_processing(self, event: ConversationEvent) -> None:
        """Set the event to PROCESSING."""
        self._set_status(event, ConversationEventStatus.PROCESSING)

    def mark_processed(self, event: ConversationEvent, friendship_score: float) -> None:
        """Set the event to PROCESSED, and remove its failure and its kept message."""
        kept = self.db.get(ConversationEventMessage, event.conversation_id)
        if kept is not None:
            self.db.delete(kept)
        self._set_status(event, ConversationEventStatus.PROCESSED)
        event.friendship_score = friendship_score
        event.error_code = event.error_details = event.next_attempt_at = None

    def mark_failed(
        self, event: ConversationEvent, error_code: str, error_details: str, retry_attempt: int | None = None
    ) -> None:
        """Set the event to FAILED, and schedule its next attempt.

        ``retry_attempt`` is 0 for the first failure, and when it is left out.
        """
        self._set_status(event, ConversationEventStatus.FAILED)
        event.error_code = error_code
        event.error_details = error_details
        wait = self._policy.schedule(retry_attempt or 0, self._policy.base_hours, self._policy.rng)
        event.next_attempt_at = self._policy.now() + wait

    def mark_permanently_failed(self, event: ConversationEvent) -> None:
        """Set the event to PERMANENTLY_FAILED; its message is kept for the person who handles it."""
        self._set_status(event, ConversationEventStatus.PERMANENTLY_FAILED)
        event.next_attempt_at = None

    def fetch_due_events(self, batch_size: int, claim: Claim | None = None) -> Sequence[ConversationEvent]:
        """Return up to ``batch_size`` FAILED events that are due and not claimed, the longest waiting first.

        With ``claim`` its holder owns them once the caller has committed, and no other job gets them until the lease is
        over: PostgreSQL skips what another job is about to claim; SQLite lets one job write at a time, and the second,
        whose batch was claimed meanwhile, gets the next one. An event stays FAILED all the while, so nothing needs
        repair after a crash.
        """
        now = self._policy.now()
        due = and_(
            ConversationEvent.status == ConversationEventStatus.FAILED.value,
            ConversationEvent.next_attempt_at <= now,
            or_(ConversationEvent.claimed_until.is_(None), ConversationEvent.claimed_until <= now),
        )
        first = select(ConversationEvent).where(due).order_by(ConversationEvent.next_attempt_at).limit(batch_size)
        if claim is None:
            return self.db.scalars(first).all()
        unclaimed = first.with_only_columns(ConversationEvent.id).with_for_update(skip_locked=True)
        while found := self.db.scalars(unclaimed).all():
            # A claim that came too late still holds the write lock, so the next query sees the final state.
            self.db.execute(
                update(ConversationEvent)
                .where(ConversationEvent.id.in_(found))
                .where(due)
                .values(claimed_by=claim.holder, claimed_until=now + claim.lease)
                .execution_options(synchronize_session=False)
            )
            mine = (
                select(ConversationEvent)
                .where(ConversationEvent.id.in_(found))
                .where(ConversationEvent.claimed_by == claim.holder)
                .order_by(ConversationEvent.next_attempt_at)
            )
            if claimed := self.db.scalars(mine).all():
                return claimed
        return []

    def renew(self, event_id: int, claim: Claim) -> bool:
        """Renew the lease; return False when the holder no longer owns the event, or it is no longer FAILED.

        Until the transaction ends no other session can change the event.
        """
        renewed = self.db.execute(
            update(ConversationEvent)
            .where(ConversationEvent.id == event_id)
            .where(ConversationEvent.status == ConversationEventStatus.FAILED.value)
            .where(ConversationEvent.claimed_by == claim.holder)
            .values(claimed_until=self._policy.now() + claim.lease)
            .execution_options(synchronize_session=False)
        )
        return bool(renewed.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it

    def release(self, claim: Claim) -> None:
        """Release the claimed events that the holder has not worked on."""
        self.db.execute(
            update(ConversationEvent)
            .where(ConversationEvent.claimed_by == claim.holder)
            .values(claimed_by=None, claimed_until=None)
            .execution_options(synchronize_session=False)
        )

    def keep_message(self, conversation_id: str, body_zlib: bytes) -> None:
        """Keep a message for the retry job. The event must exist, or be new in this session."""
        # Without autoflush everything is written by the commit alone: the write lock is held for no longer than that.
        with self.db.no_autoflush:
            self.db.merge(ConversationEventMessage(conversation_id=conversation_id, body_zlib=body_zlib))

    def load_message(self, conversation_id: str) -> bytes | None:
        """Return the kept message as the broker delivered it, or None."""
        found = select(ConversationEventMessage.body_zlib).where(
            ConversationEventMessage.conversation_id == conversation_id
        )
        body_zlib = self.db.scalars(found).one_or_none()
        return None if body_zlib is None else zlib.decompress(body_zlib)

    def _set_status(self, event: ConversationEvent, status: ConversationEventStatus) -> None:
        event.status = status.value
        event.claimed_by = event.claimed_until = None
        event.updated_at = self._policy.now()


def compress_message(body: bytes) -> bytes:
    """Return ``body`` compressed, as ``keep_message`` stores it.

    Call it before the transaction begins: compressing 3 MB takes 20 ms, and no lock should be held meanwhile.
    """
    return zlib.compress(body, _COMPRESSION_LEVEL)
