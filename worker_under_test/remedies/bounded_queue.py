"""Remedy: how many messages may wait in the executor's queue, and what becomes of one too many.

The report: from 80 % of 100 waiting messages on, mark the event FAILED (``QUEUE_FULL``), then nack without requeue; a
HIGH alert, at most one in five minutes. Hole 13: with prefetch 10 in force no message ever waits, and none of this
runs; nor does it with any other prefetch up to 90, behind ten threads. The hardened bound is what the threads can
begin in one round, or four fifths of what the prefetch lets wait where that is more: it acts whenever the prefetch
lets more wait than one round, or is, as in the incident, not in force.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from worker_under_test.alerts import AlertLevel, AlertType
from worker_under_test.errors import OutcomeRefusedError, UnparseableMessageError
from worker_under_test.outcomes import Delivery, Failure, FailureKind, Settlement
from worker_under_test.remedies.behaviour import Behaviour, Remedy
from worker_under_test.streamed_conversation import read_conversation

if TYPE_CHECKING:
    from worker_under_test.alerts import Alerts
    from worker_under_test.config_settings import Settings
    from worker_under_test.remedies.failure_record import OutcomeRecorder

REMEDY = Remedy(
    name="bounded_queue",
    original="unbounded",
    report="80 waiting: FAILED when a row exists, then nack without requeue; HIGH alert",
    hardened="a bound that any prefetch can reach: FAILED made durable, then ack; an oversized body: dead letter",
    asked_for="3.5",
)


class Admission(Protocol):
    """Decides over a message before it is queued."""

    def __call__(self, delivery: Delivery, waiting: int) -> Settlement | None:
        """Return None to admit the message, else how to settle it; ``waiting`` messages are queued already."""
        ...


def choose(behaviour: Behaviour, recorder: OutcomeRecorder, alerts: Alerts, settings: Settings) -> Admission:
    """Return the admission of ``behaviour``."""
    if behaviour is Behaviour.ORIGINAL:
        return admit_all
    if behaviour is Behaviour.REPORT:
        return _Backpressure(recorder, alerts, settings, settings.backpressure_limit).reject_as_reported
    return _Backpressure(recorder, alerts, settings, hardened_limit(settings)).reject_durably


def hardened_limit(settings: Settings) -> int:
    """Return how many messages may wait: 10 with ten threads and prefetch 10, 32 with prefetch 50, never above 80.

    A burst that the prefetch admits must not be refused for reaching the worker before its threads have begun, so the
    bound is no lower than the threads are many.
    """
    let_wait = settings.prefetch_count - settings.max_workers
    reachable = max(settings.max_workers, int(let_wait * settings.queue_backpressure_threshold))
    return min(settings.backpressure_limit, reachable)


def admit_all(delivery: Delivery, waiting: int) -> None:
    """Queue it, whatever is queued already."""


class _Backpressure:
    """What the two bounded behaviours share: the threshold and the alert."""

    def __init__(self, recorder: OutcomeRecorder, alerts: Alerts, settings: Settings, threshold: int) -> None:
        self._recorder = recorder
        self._alerts = alerts
        self._max = settings.queue_max_size
        self._threshold = threshold

    def reject_as_reported(self, delivery: Delivery, waiting: int) -> Settlement | None:
        """Mark the event FAILED, then drop the message.

        Hole 8: without a row, or with the database away, nothing is marked, and there is no dead-letter exchange: the
        message is lost.
        """
        if waiting < self._threshold:
            return None
        self._alert(waiting)
        conversation_id = json.loads(delivery.body).get("conversation_id")
        self._recorder.record_failed(conversation_id, self._failure(waiting), delivery.body, hold=False)
        return Settlement.NACK_DROP

    def reject_durably(self, delivery: Delivery, waiting: int) -> Settlement | None:
        """Leave the message to the retry job; to the broker when that can't be recorded at once."""
        if waiting < self._threshold:
            return None
        self._alert(waiting)
        try:
            conversation_id = read_conversation(delivery.body).conversation_id
            recorded = self._recorder.record_failed(conversation_id, self._failure(waiting), delivery.body, hold=False)
        except (UnparseableMessageError, OutcomeRefusedError):
            return Settlement.REQUEUE_LATER  # for a thread with time to put it aside
        return Settlement.ACK if recorded else Settlement.REQUEUE_LATER

    def _failure(self, waiting: int) -> Failure:
        return Failure(FailureKind.OTHER, "QUEUE_FULL", f"Worker queue full: {waiting}/{self._max}")

    def _alert(self, waiting: int) -> None:
        self._alerts.send_alert_safe(
            AlertType.WORKFLOW_EXECUTION_FAILURE,
            AlertLevel.HIGH,
            f"Worker queue size exceeded threshold: {waiting}/{self._max} ({100 * waiting / self._max:.1f}%)",
            {
                "queue_size": waiting,
                "max_size": self._max,
                "threshold": self._threshold,
                "error_code": "QUEUE_FULL",
                "action": "backpressure_triggered",
            },
        )
