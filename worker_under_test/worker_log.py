"""The log: one event with its keys and values on each line, on standard error.

``command_line`` sets it up once. No value is longer than a few hundred characters, so that no conversation of 3 MB
reaches the log in an error text.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

VALUE_LENGTH_MAX = 500


def configure_log() -> None:
    """Send every logger of the worker to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            bound_values,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def bound_values(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut every text off at ``VALUE_LENGTH_MAX`` characters; bytes are replaced by their number."""
    for key, value in event.items():
        if isinstance(value, bytes | bytearray):
            event[key] = f"<{len(value)} bytes>"
        elif isinstance(value, str) and len(value) > VALUE_LENGTH_MAX:
            event[key] = f"{value[:VALUE_LENGTH_MAX]}… ({len(value)} characters)"
    return event
