"""Builds the parts of a worker from its settings and its remedies: the one place that knows every remedy's classes.

``command_line`` calls it. Nothing is started here, and no network is touched.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from worker_under_test.alert_webhook import AlertWebhook
from worker_under_test.alerts import Alerts
from worker_under_test.conversation_event_model import ConversationEventStatus
from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService
from worker_under_test.conversation_event_repository import RetryPolicy, utc_now
from worker_under_test.database import open_database, session_factory
from worker_under_test.dead_letter_queue import DeadLetterQueue
from worker_under_test.failed_events_processing import FailedEventsProcessor
from worker_under_test.live_objects import CountedPoster, LiveObjects
from worker_under_test.llm_analysis_utils import LlmClient, MemoryApiClient
from worker_under_test.rabbitmq_consumer import ConsumerRemedies, RabbitMQConsumer
from worker_under_test.remedies import (
    bounded_queue,
    clean_up,
    exception_retention,
    failure_record,
    idempotent_redelivery,
    other_error_outcome,
    prefetch_in_force,
    retry_limit,
    retry_schedule,
    timeout_outcome,
    total_deadline,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy.engine import Engine

    from worker_under_test.config_settings import Settings
    from worker_under_test.database import SessionFactory
    from worker_under_test.remedies.chosen import Remedies
    from worker_under_test.remedies.failure_record import OutcomeRecorder
    from worker_under_test.remedies.idempotent_redelivery import FinishedCalls
    from worker_under_test.worker_stats import WorkerStats

# Beside one connection for each worker thread: the I/O thread's, and one for the settlements. The original holds its
# connection for as long as a message is in work.
_SPARE_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the consumer and the retry job have in common."""

    engine: Engine
    sessions: SessionFactory
    policy: RetryPolicy
    alerts: Alerts
    recorder: OutcomeRecorder
    service: ConversationEventProcessingService


def _parts(
    settings: Settings,
    remedies: Remedies,
    stopping: threading.Event,
    settled: frozenset[ConversationEventStatus],
    now: Callable[[], datetime],
    finished_calls: FinishedCalls,
    live: LiveObjects | None = None,
) -> _Parts:
    engine = open_database(settings.database_url, settings.max_workers + _SPARE_CONNECTIONS)
    sessions = session_factory(engine)
    policy = RetryPolicy(retry_schedule.choose(remedies.retry_schedule), settings.retry_base_hours, now)
    recorder = failure_record.choose(remedies.failure_record, sessions, policy, settings.record_hold_s, stopping)
    poster = CountedPoster(
        total_deadline.choose(remedies.total_deadline, settings.memory_api_timeout_s), live or LiveObjects()
    )
    service = ConversationEventProcessingService(
        llm_client=LlmClient(settings, poster, remedies.llm_switch),
        memory_api=MemoryApiClient(settings, poster),
        sessions=sessions,
        policy=policy,
        recorder=recorder,
        settled_statuses=settled,
        finished_calls=finished_calls,
    )
    url = settings.alert_webhook_url
    webhook = AlertWebhook(url, settings.alert_webhook_timeout_s) if url else None
    alerts = Alerts(settings.alert_rate_limit_s, settings.alerts_file, webhook=webhook)
    return _Parts(engine, sessions, policy, alerts, recorder, service)


@contextmanager
def assembled_consumer(
    settings: Settings, remedies: Remedies, stats: WorkerStats, stopping: threading.Event
) -> Iterator[RabbitMQConsumer]:
    """Yield the worker, ready to ``run``; close its database and its alerts afterwards."""
    settled = idempotent_redelivery.settled_statuses(remedies.idempotent_redelivery)
    finished = idempotent_redelivery.finished_calls(remedies.idempotent_redelivery)
    parts = _parts(settings, remedies, stopping, settled, utc_now, finished, stats.live)
    dead_letters = DeadLetterQueue(settings)
    hooks = (stats, stats.live, idempotent_redelivery.work_in_hand(remedies.idempotent_redelivery))
    chosen = ConsumerRemedies(
        start=prefetch_in_force.choose(remedies.prefetch_in_force),
        admission=bounded_queue.choose(remedies.bounded_queue, parts.recorder, parts.alerts, dead_letters, settings),
        exception_retention=exception_retention.choose(remedies.exception_retention, settings.requeue_backoff_s),
        timeout_outcome=timeout_outcome.choose(remedies.timeout_outcome, parts.recorder, parts.alerts, settings),
        other_error_outcome=other_error_outcome.choose(remedies.other_error_outcome, parts.recorder, dead_letters),
        is_stale=idempotent_redelivery.stale_check(remedies.idempotent_redelivery),
    )
    handler = clean_up.choose(remedies.clean_up, parts.service, hooks)
    try:
        yield RabbitMQConsumer(settings, handler, hooks, chosen, stats, stopping)
    finally:
        parts.alerts.close()
        parts.engine.dispose()


@contextmanager
def assembled_retry_job(
    settings: Settings, remedies: Remedies, now: Callable[[], datetime], stopping: threading.Event | None = None
) -> Iterator[FailedEventsProcessor]:
    """Yield the retry job, which ends early once ``stopping`` is set.

    Its events are FAILED, so that status is no reason to leave one alone.
    """
    settled = frozenset({ConversationEventStatus.PROCESSED, ConversationEventStatus.SKIPPED})
    finished = idempotent_redelivery.finished_calls(remedies.idempotent_redelivery)
    stopping = stopping or threading.Event()
    parts = _parts(replace(settings, max_workers=1), remedies, stopping, settled, now, finished)
    try:
        yield FailedEventsProcessor(
            handler=clean_up.choose(remedies.clean_up, parts.service),
            sessions=parts.sessions,
            policy=parts.policy,
            limit=retry_limit.choose(remedies.retry_limit, settings.max_retry_attempts),
            alerts=parts.alerts,
            stopping=stopping,
        )
    finally:
        parts.alerts.close()
        parts.engine.dispose()
