"""The times of the retry job: when it runs (``--once`` or ``--every``), and its clock (``--now``).

The ``retry`` command uses it. What a run does is in ``failed_events_processing``.
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
    """Return the seconds in ``text`` (6h, 30m, 90s). Raises ConfigurationError."""
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
    """Run once, or at the beginning of every interval until ``stopping`` is set; yield the stats of each run.

    A run that the database cut short is logged, and the next one continues; without an interval there is no next one,
    and the error is raised. A run that outlasts its interval is followed by the next at once.
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
