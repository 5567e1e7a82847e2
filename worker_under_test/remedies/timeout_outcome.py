"""Remedy: what happens to a message whose memory API call timed out.

The report: mark it FAILED and acknowledge it, never requeue; a HIGH alert, at most one in five minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from worker_under_test.alerts import AlertLevel, AlertType
from worker_under_test.outcomes import Delivery, Failure, Settlement
from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    from worker_under_test.alerts import Alerts
    from worker_under_test.config_settings import Settings
    from worker_under_test.remedies.failure_record import OutcomeRecorder

REMEDY = Remedy(
    name="timeout_outcome",
    original="nack, requeued at once",
    reported="FAILED, then ack; HIGH alert",
    hardened="as in the report, once FAILED is durable",
    asked_for="3.2.3",
)


class FailureOutcome(Protocol):
    """Turns a failure into a settlement."""

    def __call__(self, delivery: Delivery, failure: Failure) -> Settlement:
        """Record what must be recorded, and return the settlement."""
        ...


def choose(behaviour: Behaviour, recorder: OutcomeRecorder, alerts: Alerts, settings: Settings) -> FailureOutcome:
    """Return the outcome of ``behaviour``. The reported and the hardened one differ in their recorder."""
    return requeue if behaviour is Behaviour.ORIGINAL else FailAndAcknowledge(recorder, alerts, settings)


def requeue(delivery: Delivery, failure: Failure) -> Settlement:  # noqa: ARG001 - the protocol's signature
    """Requeue the message; the next call times out too, for as long as the memory API hangs."""
    return Settlement.NACK_REQUEUE


class FailAndAcknowledge:
    """Marks the event FAILED for the retry job and acknowledges the message."""

    def __init__(self, recorder: OutcomeRecorder, alerts: Alerts, settings: Settings) -> None:
        self._recorder = recorder
        self._alerts = alerts
        self._settings = settings

    def __call__(self, delivery: Delivery, failure: Failure) -> Settlement:
        """Mark the event FAILED, alert, acknowledge; requeue the message later when the mark is not durable."""
        conversation_id = delivery.conversation_id or ""
        recorded = self._recorder.record_failed(conversation_id, failure, delivery.body)
        timeout_s = self._settings.memory_api_timeout_s
        self._alerts.send_alert_safe(
            AlertType.EXTERNAL_API_TIMEOUT,
            AlertLevel.HIGH,
            f"Worker: Memory API timeout after {timeout_s:g} s | conversation_id={conversation_id} | "
            + ("event marked FAILED, left to the retry job" if recorded else "event not recorded, back to the broker"),
            {
                "timeout_seconds": timeout_s,
                "conversation_id": conversation_id,
                "error_code": failure.error_code,
                "action": "marked_failed_no_requeue" if recorded else "requeued_later",
            },
        )
        return Settlement.ACK if recorded else Settlement.REQUEUE_LATER
