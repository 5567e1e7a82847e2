"""Alerts: to the log, to a file of JSON lines, and to a webhook.

The remedies and the retry job send them. ``send_alert_safe`` never raises into the worker: an alert that can't be
delivered is logged and dropped, and a sink that fails takes nothing from the others.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from worker_under_test.alert_webhook import AlertWebhook

logger = structlog.get_logger()

ContextValue = str | int | float | bool | None


class AlertType(Enum):
    """What an alert is about."""

    WORKFLOW_EXECUTION_FAILURE = "WORKFLOW_EXECUTION_FAILURE"
    EXTERNAL_API_TIMEOUT = "EXTERNAL_API_TIMEOUT"


class AlertLevel(Enum):
    """How urgent an alert is.

    HIGH is rate-limited for each type and action; CRITICAL never is: each one is an event that a person must handle.
    """

    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. ``context`` holds the numbers, and names ``component`` and ``action``."""

    alert_type: AlertType
    level: AlertLevel
    message: str
    context: Mapping[str, ContextValue]


class Alerts:
    """Sends alerts from any thread."""

    def __init__(
        self,
        rate_limit_s: float,
        alerts_file: str | None,
        clock: Callable[[], float] = time.monotonic,
        webhook: AlertWebhook | None = None,
    ) -> None:
        self._rate_limit_s = rate_limit_s
        self._path = Path(alerts_file) if alerts_file else None
        self._clock = clock
        self._webhook = webhook
        self._lock = threading.Lock()
        self._last_sent_s: dict[tuple[AlertType, ContextValue], float] = {}  # one entry for each type and action

    def send_alert_safe(
        self, alert_type: AlertType, level: AlertLevel, message: str, context: Mapping[str, ContextValue]
    ) -> bool:
        """Send one alert; return whether it went out. Never raises."""
        try:
            with self._lock:
                if not self._is_allowed(alert_type, level, context.get("action")):
                    return False
                return self._send(Alert(alert_type, level, message, {"component": "worker", **context}))
        except Exception as error:  # noqa: BLE001 - an alert must never break the work
            logger.warning("alert_not_sent", error=repr(error))
            return False

    def close(self) -> None:
        """Have the webhook send the waiting alerts; this takes a few seconds at most."""
        if self._webhook is not None:
            self._webhook.close()

    def _is_allowed(self, alert_type: AlertType, level: AlertLevel, action: ContextValue) -> bool:
        if level is AlertLevel.CRITICAL:
            return True
        now_s, kind = self._clock(), (alert_type, action)
        last_s = self._last_sent_s.get(kind)
        if last_s is not None and now_s - last_s < self._rate_limit_s:
            return False
        self._last_sent_s[kind] = now_s
        return True

    def _send(self, alert: Alert) -> bool:
        """Write the alert to each sink; return whether all accepted it."""
        logger.error("alert", alert_type=alert.alert_type.value, level=alert.level.value, message=alert.message)
        line = {
            "sent_utc": datetime.now(UTC).isoformat(),
            "alert_type": alert.alert_type.value,
            "level": alert.level.value,
            "message": alert.message,
            "context": dict(alert.context),
        }
        queued = self._webhook is None or self._webhook.send(line)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as sink:
                sink.write(json.dumps(line, ensure_ascii=False) + "\n")
        return queued
