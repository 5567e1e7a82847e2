"""The worker's settings, read from the environment once, at start-up, under the original names.

``command_line`` calls ``load_settings`` and passes the frozen value on; no other module reads the environment. The
defaults, the units and the meaning of each variable are in ``docs/reference/contracts.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from worker_under_test.errors import ConfigurationError
from worker_under_test.remedies import default_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker_under_test.remedies.chosen import Remedies

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment decides. Times are in seconds of real time."""

    rabbitmq_url: str
    rabbitmq_queue: str
    message_body_bytes_max: int
    prefetch_count: int
    heartbeat_s: int
    max_workers: int
    memory_api_url: str
    memory_api_timeout_s: float
    requeue_backoff_s: float
    llm_analysis_enabled: bool
    groq_api_key: str | None
    groq_base_url: str
    max_retry_attempts: int
    retry_base_hours: float
    queue_max_size: int
    queue_backpressure_threshold: float
    database_url: str
    record_hold_s: float
    alert_rate_limit_s: float
    alerts_file: str | None
    alert_webhook_url: str | None
    alert_webhook_timeout_s: float
    shutdown_grace_s: float
    reconnect_backoff_s: float
    stats_file: str | None
    stats_interval_s: float
    ingress_body_bytes_max: int
    ingress_publish_timeout_s: float
    ingress_queue_max_size: int
    flight_recorder_dir: str | None

    @property
    def backpressure_limit(self) -> int:
        """The number of waiting messages that triggers backpressure: 80 with the original settings."""
        return int(self.queue_max_size * self.queue_backpressure_threshold)


def load_settings(environ: Mapping[str, str], remedies: Remedies) -> Settings:
    """Return the settings in ``environ``; a variable that is missing gets the default that ``remedies`` imply.

    Raises:
        ConfigurationError: a value is not of its kind, or is out of its range.
    """
    read = _Reader(environ)
    return Settings(
        rabbitmq_url=read.url("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/%2F", ("amqp", "amqps")),
        rabbitmq_queue=read.text("RABBITMQ_QUEUE") or "conversation_events_processing",
        message_body_bytes_max=read.integer("MESSAGE_BODY_BYTES_MAX", 16 * 2**20, at_least=1, at_most=128 * 2**20),
        prefetch_count=read.integer("RABBITMQ_PREFETCH_COUNT", 10, at_least=1, at_most=65_535),
        heartbeat_s=read.integer("RABBITMQ_HEARTBEAT_SECONDS", 60, at_least=0, at_most=65_535),
        max_workers=read.integer("MAX_WORKERS", 10, at_least=1, at_most=256),
        memory_api_url=read.url("MEMORY_API_URL", "http://127.0.0.1:6699", ("http", "https")).rstrip("/"),
        memory_api_timeout_s=read.number(
            "MEMORY_API_TIMEOUT_SECONDS", default_settings.memory_api_timeout_s(remedies.memory_api_timeout), above=0
        ),
        requeue_backoff_s=read.number("REQUEUE_BACKOFF_SECONDS", 5),
        llm_analysis_enabled=read.flag(
            "LLM_ANALYSIS_ENABLED", default_settings.llm_analysis_enabled(remedies.llm_switch)
        ),
        groq_api_key=read.text("GROQ_API_KEY"),
        groq_base_url=read.url("GROQ_BASE_URL", "http://127.0.0.1:6699/openai/v1", ("http", "https")).rstrip("/"),
        max_retry_attempts=read.integer("MAX_RETRY_ATTEMPTS", 5, at_least=0, at_most=1000),
        retry_base_hours=read.number("CONVERSATION_EVENT_RETRY_HOURS", 6, above=0),
        queue_max_size=read.integer("QUEUE_MAX_SIZE", 100, at_least=1, at_most=1_000_000),
        queue_backpressure_threshold=read.number("QUEUE_BACKPRESSURE_THRESHOLD", 0.8, above=0, at_most=1),
        database_url=read.text("DATABASE_URL") or "sqlite:///conversation_events.db",
        record_hold_s=read.number("RECORD_HOLD_SECONDS", 10),
        alert_rate_limit_s=read.number("ALERT_RATE_LIMIT_SECONDS", 300),
        alerts_file=read.text("ALERTS_FILE"),
        alert_webhook_url=read.optional_url("ALERT_WEBHOOK_URL", ("http", "https")),
        alert_webhook_timeout_s=read.number("ALERT_WEBHOOK_TIMEOUT_SECONDS", 5, above=0),
        shutdown_grace_s=read.number("SHUTDOWN_GRACE_SECONDS", 30),
        reconnect_backoff_s=read.number("RECONNECT_BACKOFF_SECONDS", 1, above=0),
        stats_file=read.text("WORKER_STATS_FILE"),
        stats_interval_s=read.number("WORKER_STATS_INTERVAL_SECONDS", 0.1, above=0),
        ingress_body_bytes_max=read.integer("INGRESS_BODY_BYTES_MAX", 16 * 2**20, at_least=1, at_most=128 * 2**20),
        ingress_publish_timeout_s=read.number("INGRESS_PUBLISH_TIMEOUT_SECONDS", 10, above=0),
        ingress_queue_max_size=read.integer("INGRESS_QUEUE_MAX_SIZE", 20, at_least=1, at_most=10_000),
        flight_recorder_dir=read.text("FLIGHT_RECORDER_DIR"),
    )


class _Reader:
    """Reads one variable after another; its errors name the variable."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        """Return the value; None when it is unset or empty."""
        return self._environ.get(name) or None

    def url(self, name: str, default: str, schemes: tuple[str, ...]) -> str:
        """Return an address of one of ``schemes``. The message leaves the password out: only the scheme is shown."""
        value = self._environ.get(name) or default
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise ConfigurationError(
                f"{name} has the scheme {parts.scheme!r} and the host {parts.hostname!r}; "
                f"give {' or '.join(schemes)}://host"
            )
        return value

    def optional_url(self, name: str, schemes: tuple[str, ...]) -> str | None:
        """Return an address of one of ``schemes``; None when it is unset or empty."""
        return self.url(name, "", schemes) if self.text(name) else None

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean."""
        value = self._environ.get(name)
        if value is None:
            return default
        lowered = value.strip().lower()
        if lowered not in _TRUE | _FALSE:
            raise ConfigurationError(f"{name} is {value!r}; give true or false")
        return lowered in _TRUE

    def integer(self, name: str, default: int, *, at_least: int, at_most: int) -> int:
        """Return a whole number within its bounds."""
        value = self._environ.get(name) or str(default)
        try:
            number = int(value)
        except ValueError:
            raise ConfigurationError(f"{name} is {value!r}; give a whole number") from None
        if not at_least <= number <= at_most:
            raise ConfigurationError(f"{name} is {number}; give {at_least} to {at_most}")
        return number

    def number(self, name: str, default: float, *, above: float | None = None, at_most: float = math.inf) -> float:
        """Return a finite number, zero or more; more than ``above`` where that is given."""
        value = self._environ.get(name) or str(default)
        try:
            number = float(value)
        except ValueError:
            raise ConfigurationError(f"{name} is {value!r}; give a number") from None
        too_low = number < 0 if above is None else number <= above
        if too_low or not math.isfinite(number) or number > at_most:
            raise ConfigurationError(f"{name} is {value}; give a number {'above' if above is not None else 'from'} 0")
        return number
