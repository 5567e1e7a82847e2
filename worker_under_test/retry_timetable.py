"""When the retry job runs, and what time it takes it to be: ``--once`` or ``--every``, and ``--now``.

The ``retry`` command asks. What a run does is ``failed_events_processing``'s.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import SQLAlchemyError

from worker_under_test.conversation_event_repository import utc_now
from worker_under_test.errors import ConfigurationError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from worker_under_test.failed_events_processing import RetryStats

logger = structlog.get_logger()

_INTERVAL = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|h)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600}


def interval_s(text: str) -> float:
    """Return the seconds that ``text`` (6h, 30m, 90s) means. Raises ConfigurationError."""
    found = _INTERVAL.fullmatch(text)
    seconds = float(found[1]) * _UNIT_S[found[2]] if found else 0.0
    if seconds <= 0:
        raise ConfigurationError(f"--every is {text!r}; give a time above zero: 6h, 30m or 90s")
    return seconds


def clock(now: str | None) -> Callable[[], datetime]:
    """Return the clock; with ``now``, one that starts there and runs on. Raises ConfigurationError."""
    if now is None:
        return utc_now
    try:
        start = datetime.fromisoformat(now)
    except ValueError:
        raise ConfigurationError(f"--now is {now!r}; give e.g. 2026-01-01T18:00:00+00:00") from None
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start
    offset = start - utc_now()
    return lambda: utc_now() + offset


def runs(run: Callable[[], RetryStats], interval_s: float | None, stopping: threading.Event) -> Iterator[RetryStats]:
    """Yield what each run did: one without an interval, else one at the beginning of each until ``stopping`` is set.

    A run that the database cut short is logged, and the next one takes up what it left; without an interval there is no
    next one, and the error goes through. A run that outlasts its interval is followed by the next at once.
    """
    if interval_s is None:
        yield run()
        return
    due_s = time.monotonic()
    while not stopping.wait(max(0.0, due_s - time.monotonic())):
        due_s = max(due_s + interval_s, time.monotonic())
        try:
            yield run()
        except SQLAlchemyError as error:
            logger.error("retry_run_failed", error=f"{type(error).__name__}: {error}")  # noqa: TRY400 - bounded
