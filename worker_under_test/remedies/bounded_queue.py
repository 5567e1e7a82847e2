"""Remedy: how many messages may wait in the executor's queue, and what becomes of one too many, or too large.

The report: from 80 % of 100 waiting messages on, mark the event FAILED (``QUEUE_FULL``), then nack without requeue; a
HIGH alert, at most one in five minutes. Hole 13: with prefetch 10 in force no message ever waits, and none of this
runs; nor does it with any other prefetch up to 90, behind ten threads. The hardened bound is as many messages as there
are threads, or four fifths of what the prefetch lets wait where that is more: it acts whenever the prefetch lets more
wait than that, or is, as in the incident, not in force.

The prefetch bounds how many bodies the worker holds, not how large they are: RabbitMQ takes messages of up to 128 MiB.
The hardened admission therefore stores an oversized body among the dead letters as it arrives, before a thread has it;
only one such body is held at a time, because nothing more is read from the broker until it is stored.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

import structlog

from worker_under_test.alerts import AlertLevel, AlertType
from worker_under_test.dead_letter_queue import store_dead_letter
from worker_under_test.errors import OutcomeRefusedError, UnparseableMessageError
from worker_under_test.outcomes import Delivery, Failure, FailureKind, Settlement
from worker_under_test.remedies.behaviour import Behaviour, Remedy
from worker_under_test.streamed_conversation import read_conversation

if TYPE_CHECKING:
    from worker_under_test.alerts import Alerts
    from worker_under_test.config_settings import Settings
    from worker_under_test.dead_letter_queue import DeadLetters
    from worker_under_test.remedies.failure_record import OutcomeRecorder

logger = structlog.get_logger()

REMEDY = Remedy(
    name="bounded_queue",
    original="unbounded",
    reported="80 waiting: FAILED when a row exists, then nack without requeue; HIGH alert",
    hardened="a bound that any prefetch can reach: FAILED made durable, then ack; an oversized body: dead letter",
    asked_for="3.5",
)


class Admission(Protocol):
    """Decides over a message before it is queued."""

    def __call__(self, delivery: Delivery, waiting: int) -> Settlement | None:
        """Return None to admit the message, else how to settle it; ``waiting`` messages are queued already."""
        ...


def choose(
    behaviour: Behaviour, recorder: OutcomeRecorder, alerts: Alerts, dead_letters: DeadLetters, settings: Settings
) -> Admission:
    """Return the admission of ``behaviour``."""
    if behaviour is Behaviour.ORIGINAL:
        return admit_all
    if behaviour is Behaviour.REPORTED:
        return _Backpressure(recorder, alerts, settings, settings.backpressure_limit).reject_as_reported
    backpressure = _Backpressure(recorder, alerts, settings, hardened_limit(settings))
    return SizeLimit(backpressure.reject_durably, dead_letters, settings.message_body_bytes_max)


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


class SizeLimit:
    """An admission that stores oversized messages among the dead letters, and asks another one about all others."""

    def __init__(self, admission: Admission, dead_letters: DeadLetters, body_bytes_max: int) -> None:
        self._admission = admission
        self._dead_letters = dead_letters
        self._body_bytes_max = body_bytes_max

    def __call__(self, delivery: Delivery, waiting: int) -> Settlement | None:
        """Store an oversized message; give it back to the broker, for a while, when that is not confirmed."""
        size_bytes = len(delivery.body)
        if size_bytes <= self._body_bytes_max:
            return self._admission(delivery, waiting)
        reason = f"the body has {size_bytes} bytes; at most {self._body_bytes_max} are processed"
        settlement = store_dead_letter(self._dead_letters, delivery, reason)
        if settlement is Settlement.ACK:
            logger.error("message_oversized", size_bytes=size_bytes, body_bytes_max=self._body_bytes_max)
        return settlement


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
        """Mark the event FAILED for the retry job; give the message back to the broker when that can't be recorded."""
        if waiting < self._threshold:
            return None
        self._alert(waiting)
        try:
            conversation_id = read_conversation(delivery.body).conversation_id
            recorded = self._recorder.record_failed(conversation_id, self._failure(waiting), delivery.body, hold=False)
        except (UnparseableMessageError, OutcomeRefusedError):
            return Settlement.REQUEUE_LATER  # a thread will store it among the dead letters when one is free
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
