"""Alerts to a webhook: one HTTP POST each, in the background, bounded in number and in time.

``alerts`` passes its alerts on. The caller never waits and nothing is raised: an alert that finds the queue full, or
that the receiver refuses, is counted and logged. Each is tried once; the log and ``ALERTS_FILE`` have it as well.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = structlog.get_logger()

# HIGH alerts are rate-limited, so a full queue means a hundred PERMANENTLY_FAILED events and a receiver that is silent.
_WAITING_MAX = 100
# How long the worker waits at its end for what is still to be sent; its last resort allows more.
CLOSE_GRACE_S = 3.0
_SUCCESS = range(200, 300)


@dataclass(slots=True)
class WebhookCounts:
    """How many alerts were delivered, failed and were dropped."""

    delivered: int = 0
    failed: int = 0  # the receiver could not be reached, was too slow, or answered other than 2xx
    dropped: int = 0  # the queue was full, or the worker ended first


class AlertWebhook:
    """Posts alerts to ``url``, which is never logged: such addresses often are secrets."""

    def __init__(self, url: str, timeout_s: float, waiting_max: int = _WAITING_MAX) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._waiting: queue.Queue[Mapping[str, object]] = queue.Queue(waiting_max)
        self._lock = threading.Lock()
        self._counts = WebhookCounts()
        self._closing = threading.Event()
        self._given_up = threading.Event()
        self._sender: threading.Thread | None = None  # started by the first alert: most workers never send one

    @property
    def counts(self) -> WebhookCounts:
        """The counts so far."""
        with self._lock:
            return WebhookCounts(self._counts.delivered, self._counts.failed, self._counts.dropped)

    def send(self, alert: Mapping[str, object]) -> bool:
        """Queue one alert; return false when there is no room, or the webhook is closed."""
        with self._lock:
            if not self._closing.is_set():
                try:
                    self._waiting.put_nowait(alert)
                except queue.Full:
                    pass
                else:
                    self._start()
                    return True
            self._counts.dropped += 1
            dropped = self._counts.dropped
        logger.warning("alert_dropped", sink="webhook", dropped=dropped)
        return False

    def close(self, grace_s: float = CLOSE_GRACE_S) -> None:
        """Send what waits, for ``grace_s`` at most; what is left then is dropped."""
        with self._lock:
            self._closing.set()
        if self._sender is None:
            return
        self._sender.join(grace_s)
        self._given_up.set()
        with self._lock:
            if self._sender.is_alive():  # it may be in a call, which the process does not wait for
                self._counts.dropped += 1 + self._waiting.qsize()
        logger.info("alert_webhook_closed", **{name: getattr(self.counts, name) for name in WebhookCounts.__slots__})

    def _start(self) -> None:
        if self._sender is None:
            self._sender = threading.Thread(target=self._post_all, name="alert-webhook", daemon=True)
            self._sender.start()

    def _post_all(self) -> None:
        with httpx.Client(timeout=self._timeout_s, trust_env=False) as client:
            while not self._given_up.is_set():
                try:
                    alert = self._waiting.get(timeout=0.1)
                except queue.Empty:
                    if self._closing.is_set():
                        return
                    continue
                self._post(client, alert)

    def _post(self, client: httpx.Client, alert: Mapping[str, object]) -> None:
        try:
            with client.stream("POST", self._url, json=alert) as response:  # the answer's body is not read
                reason = None if response.status_code in _SUCCESS else f"HTTP {response.status_code}"
        except Exception as error:  # noqa: BLE001 - no receiver may end this thread
            reason = type(error).__name__
        if self._given_up.is_set():
            return  # counted as dropped already
        with self._lock:
            self._counts.delivered += reason is None
            self._counts.failed += reason is not None
        if reason is not None:
            logger.warning("alert_not_delivered", sink="webhook", reason=reason)
