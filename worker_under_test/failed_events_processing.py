"""The retry job: processes the FAILED events that are due, 25 at a time, until none is.

The ``retry`` command runs it, as cron did; ``remedies.retry_limit`` decides how often an event is retried. It handles
one event at a time: its messages are 3 MB each, and a dependency that has just come back must not get many calls at
once.

Any number of jobs may run at once, and any of them may be killed at any moment. No event is lost: it stays FAILED until
its outcome is committed. No two jobs work on one event, unless one call outlasts its lease. The one event that was in
work at a kill is processed again when its lease is over; the rest of its batch waits as long. So the memory API sees
each event at least once, and once only where nothing was killed. The same goes for the alert of an event that is
PERMANENTLY_FAILED.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from worker_under_test.alerts import AlertLevel, AlertType
from worker_under_test.conversation_event_repository import Claim, ConversationEventRepository
from worker_under_test.outcomes import Delivery, Failure, FailureKind, describe_failure
from worker_under_test.remedies.retry_limit import RetryDecision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker_under_test.alerts import Alerts
    from worker_under_test.conversation_event_model import ConversationEvent
    from worker_under_test.conversation_event_repository import RetryPolicy
    from worker_under_test.database import SessionFactory
    from worker_under_test.message_handling import MessageHandler
    from worker_under_test.remedies.retry_limit import RetryLimit

logger = structlog.get_logger()

BATCH_SIZE = 25
# How long no other job may claim a claimed event. The lease is renewed before each event's call, and is longer than any
# one call and its hold, so that only a crash lets it lapse.
_LEASE = timedelta(minutes=15)


@dataclass(slots=True)
class RetryStats:
    """What one run of the retry job did, counted in events."""

    total: int = 0
    processed: int = 0
    failed: int = 0
    skipped: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts under the report's names."""
        return asdict(self)


class FailedEventsProcessor:
    """Retries failed events. ``stopping`` ends a run between two events."""

    def __init__(
        self,
        *,
        handler: MessageHandler,
        sessions: SessionFactory,
        policy: RetryPolicy,
        limit: RetryLimit,
        alerts: Alerts,
        stopping: threading.Event | None = None,
    ) -> None:
        self._handler = handler
        self._sessions = sessions
        self._policy = policy
        self._limit = limit
        self._alerts = alerts
        self._stopping = stopping or threading.Event()

    def process_failed_events(self) -> RetryStats:
        """Retry what is due. It ends: an event that was taken is no longer due."""
        stats = RetryStats()
        claim = Claim(uuid.uuid4().hex, _LEASE) if self._limit.claims else None
        with self._sessions() as db:
            repository = ConversationEventRepository(db, self._policy)
            while not self._stopping.is_set():
                events = repository.fetch_due_events(BATCH_SIZE, claim)
                db.commit()
                if not events:
                    break
                self._process_batch(repository, events, claim, stats)
            if claim is not None:
                repository.release(claim)
                db.commit()
        return stats

    def should_retry(self, event: ConversationEvent) -> RetryDecision:
        """Return what to do with a fetched event."""
        return self._limit.decide(event, self._policy.now())

    def _process_batch(
        self,
        repository: ConversationEventRepository,
        events: Sequence[ConversationEvent],
        claim: Claim | None,
        stats: RetryStats,
    ) -> None:
        for event in events:
            if self._stopping.is_set():
                return
            stats.total += 1
            self._take(repository, event, claim, stats)

    def _take(
        self, repository: ConversationEventRepository, event: ConversationEvent, claim: Claim | None, stats: RetryStats
    ) -> None:
        """Retry one fetched event, mark it PERMANENTLY_FAILED, or leave it."""
        if not self._is_mine(repository, event, claim):
            stats.skipped += 1
            return
        decision = self.should_retry(event)
        if decision is RetryDecision.GIVE_UP:
            self._give_up(repository, event)
        repository.db.commit()
        if decision is not RetryDecision.RETRY:
            stats.skipped += 1
            return
        failure = self._process(repository, event.conversation_id)
        if failure is None:
            stats.processed += 1
            return
        logger.warning("retry_failed", conversation_id=event.conversation_id, error=failure.error_details)
        repository.db.commit()
        if not self._is_mine(repository, event, claim):
            # The lease ran out during the call, and another job has taken the event, or has finished it.
            stats.skipped += 1
            return
        stats.failed += 1
        if claim is not None and failure.kind is FailureKind.DATABASE:
            repository.db.commit()
            return  # an outage says nothing about the event: it stays due, and no attempt of it is counted
        attempt = self._limit.count_failure(event)
        repository.mark_failed(event, failure.error_code, failure.error_details, attempt)
        if attempt is not None and self.should_retry(event) is RetryDecision.GIVE_UP:
            self._give_up(repository, event)
        repository.db.commit()

    def _is_mine(self, repository: ConversationEventRepository, event: ConversationEvent, claim: Claim | None) -> bool:
        """Renew the event's lease; the report's job claims nothing and takes whatever it has fetched."""
        if claim is None or repository.renew(event.id, claim):
            return True
        repository.db.rollback()
        return False

    def _process(self, repository: ConversationEventRepository, conversation_id: str) -> Failure | None:
        """Process the kept message; no transaction is open meanwhile."""
        body = repository.load_message(conversation_id)
        repository.db.commit()
        if body is None:
            return Failure(FailureKind.OTHER, "MESSAGE_MISSING", "no message was kept for this event")
        try:
            self._handler.handle(Delivery(body))
        except Exception as error:  # noqa: BLE001 - whatever went wrong with one event, the others are still due
            return describe_failure(error)
        return None

    def _give_up(self, repository: ConversationEventRepository, event: ConversationEvent) -> None:
        """Mark the event PERMANENTLY_FAILED, and send the alert; the caller commits.

        The alert goes out before the commit: a kill between the two sends it twice; the other way round, never.
        """
        repository.mark_permanently_failed(event)
        repository.db.flush()  # a CHECK that refuses the status does so here, before the alert
        self._alerts.send_alert_safe(
            AlertType.WORKFLOW_EXECUTION_FAILURE,
            AlertLevel.CRITICAL,
            f"Event permanently failed after {event.retry_count} retry attempts | "
            f"conversation_id={event.conversation_id} | Manual intervention may be required",
            {
                "conversation_id": event.conversation_id,
                "retry_count": event.retry_count,
                "error_code": event.error_code,
                "action": "permanently_failed",
                "requires_manual_intervention": True,
            },
        )
