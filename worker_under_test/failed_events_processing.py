"""The retry job: processes the FAILED events that are due, 25 at a time, until none is.

The ``retry`` command runs it, as cron did; how often an event is retried is ``remedies.retry_limit``'s affair. It
handles one event at a time: its messages are 3 MB each, and a dependency that has just come back is not to be met by
a herd.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from worker_under_test.alerts import AlertLevel, AlertType
from worker_under_test.conversation_event_repository import ConversationEventRepository
from worker_under_test.outcomes import Delivery, Failure, FailureKind, describe_failure
from worker_under_test.remedies.idempotent_redelivery import UnguardedWork
from worker_under_test.remedies.retry_limit import RetryDecision

if TYPE_CHECKING:
    from worker_under_test.alerts import Alerts
    from worker_under_test.conversation_event_model import ConversationEvent
    from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService
    from worker_under_test.conversation_event_repository import RetryPolicy
    from worker_under_test.database import SessionFactory
    from worker_under_test.remedies.clean_up import MessageHandling
    from worker_under_test.remedies.retry_limit import RetryLimit

logger = structlog.get_logger()

BATCH_SIZE = 25
# How long a claimed event is nobody else's: longer than any one call and its hold, so that only a crash lets it lapse.
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
    """Retries failed events."""

    def __init__(
        self,
        *,
        service: ConversationEventProcessingService,
        handling: MessageHandling,
        sessions: SessionFactory,
        policy: RetryPolicy,
        limit: RetryLimit,
        alerts: Alerts,
    ) -> None:
        self._service = service
        self._handling = handling
        self._sessions = sessions
        self._policy = policy
        self._limit = limit
        self._alerts = alerts

    def process_failed_events(self, *, once: bool = False) -> RetryStats:
        """Retry what is due; with ``once``, one batch at most. It ends: an event that was taken is no longer due."""
        stats = RetryStats()
        while True:
            with self._sessions() as db:
                repository = ConversationEventRepository(db, self._policy)
                events = repository.fetch_due_events(BATCH_SIZE)
                stats.total += len(events)
                for event in events:
                    self._take(repository, event, stats)
            if once or not events:
                return stats

    def should_retry(self, event: ConversationEvent) -> RetryDecision:
        """Return what to do with a fetched event."""
        return self._limit.decide(event, self._policy.now())

    def _take(self, repository: ConversationEventRepository, event: ConversationEvent, stats: RetryStats) -> None:
        """Retry one fetched event, give it up, or leave it."""
        decision = self.should_retry(event)
        if decision is RetryDecision.GIVE_UP:
            self._give_up(repository, event)
            stats.skipped += 1
            return
        conversation_id = event.conversation_id
        mine = not self._limit.claims or repository.claim(conversation_id, _LEASE)
        repository.db.commit()
        if decision is RetryDecision.NOT_DUE or not mine:
            stats.skipped += 1
            return
        failure = self._process(repository, conversation_id)
        if failure is None:
            stats.processed += 1
            return
        stats.failed += 1
        logger.warning("retry_failed", conversation_id=conversation_id, error=failure.error_details)
        attempt = self._limit.count_failure(event)
        repository.mark_failed(event, failure.error_code, failure.error_details, attempt)
        if attempt is not None and self.should_retry(event) is RetryDecision.GIVE_UP:
            self._give_up(repository, event)
        repository.db.commit()

    def _process(self, repository: ConversationEventRepository, conversation_id: str) -> Failure | None:
        """Process the message that was kept; no transaction is open meanwhile."""
        body = repository.load_message(conversation_id)
        repository.db.commit()
        if body is None:
            return Failure(FailureKind.OTHER, "MESSAGE_MISSING", "no message was kept for this event")
        try:
            self._handling(self._service, UnguardedWork(), Delivery(body))
        except Exception as error:  # noqa: BLE001 - whatever went wrong with one event, the others are still due
            return describe_failure(error)
        return None

    def _give_up(self, repository: ConversationEventRepository, event: ConversationEvent) -> None:
        """Mark the event PERMANENTLY_FAILED, and call a person."""
        repository.mark_permanently_failed(event)
        repository.db.commit()
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
