"""Remedy: how long the exception of a failed message is kept, and what it keeps alive.

An exception refers to its traceback, the traceback to every frame it passed, and the frames to their locals: the
body, the log, the formatted text, the payload, the client's request. The consumer runs each message through one of
these two.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import structlog

from worker_under_test.outcomes import Delivery, Failure, describe_failure
from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable

logger = structlog.get_logger()

REMEDY = Remedy(
    name="exception_retention",
    original="kept in a local across the back-off: a cycle, promoted to the oldest generation",
    report="as it was",
    hardened="reduced to text where it is caught; no thread sleeps on it",
    asked_for="not in the report (claims C4, C5 name the effect)",
)


class Attempt(Protocol):
    """Runs the work on one message."""

    def __call__(self, work: Callable[[Delivery], None], delivery: Delivery) -> Failure | None:
        """Return None when ``work`` succeeded, else its failure."""
        ...


def choose(behaviour: Behaviour, backoff_s: float) -> Attempt:
    """Return the attempt of ``behaviour``; ``backoff_s`` is REQUEUE_BACKOFF_SECONDS."""
    return text_only if behaviour is Behaviour.HARDENED else KeepAndBackOff(backoff_s)


class KeepAndBackOff:
    """Back off before a failed message is settled, so that a broken dependency is not hammered."""

    def __init__(self, backoff_s: float) -> None:
        self._backoff_s = backoff_s

    def __call__(self, work: Callable[[Delivery], None], delivery: Delivery) -> Failure | None:
        """Run ``work``; on a failure wait, then say what it was.

        ``err = e`` outlives the ``except`` block, which would have dropped ``e`` itself. It closes a cycle
        (exception, traceback, this frame, ``err``) that only the collector can free; during the sleep it is reachable
        and ages into the oldest generation, and full collections there are deferred until a quarter of all long-lived
        objects is new. A failed message of 3 MB keeps 15 MB alive and brings a few hundred: the rows of its log,
        dicts of nothing but text, are not among them. So it takes hundreds of messages (incident.md, section 7, hole
        3).
        """
        err = None
        try:
            work(delivery)
        except Exception as e:  # noqa: BLE001 - a thread must settle its message, whatever went wrong
            err = e
        if err is None:
            return None
        logger.warning("backing_off", conversation_id=delivery.conversation_id, wait_s=self._backoff_s, error=str(err))
        time.sleep(self._backoff_s)
        return describe_failure(err)


def text_only(work: Callable[[Delivery], None], delivery: Delivery) -> Failure | None:
    """Run ``work``; keep of its exception what the log and the database need, as text."""
    try:
        work(delivery)
    except Exception as error:  # noqa: BLE001 - a thread must settle its message, whatever went wrong
        return describe_failure(error)
    return None
