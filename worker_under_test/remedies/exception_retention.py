"""Remedy: how long the exception of a failed message is kept, and what it keeps alive.

An exception refers to its traceback, the traceback to every frame it passed, and the frames to their locals: the
body, the log, the formatted text, the payload, the client's request. The consumer has each message handled through one
of the two classes here, which turns its exception into a ``Failure``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import structlog

from worker_under_test.outcomes import Delivery, Failure, describe_failure
from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    from worker_under_test.message_handling import MessageHandler

logger = structlog.get_logger()

REMEDY = Remedy(
    name="exception_retention",
    original="kept in a local across the back-off: a cycle, promoted to the oldest generation",
    reported="as it was",
    hardened="reduced to text where it is caught; no thread sleeps on it",
    asked_for="not in the report (claims C4, C5 name the effect)",
)


class ExceptionRetention(Protocol):
    """Has a message handled, and decides how long its exception is kept."""

    def attempt(self, handler: MessageHandler, delivery: Delivery) -> Failure | None:
        """Return None when ``handler`` succeeded, else its failure."""
        ...


def choose(behaviour: Behaviour, backoff_s: float) -> ExceptionRetention:
    """Return the retention of ``behaviour``; ``backoff_s`` is REQUEUE_BACKOFF_SECONDS."""
    return KeepText() if behaviour is Behaviour.HARDENED else KeepAndBackOff(backoff_s)


class KeepAndBackOff:
    """Keeps the exception during a back-off before a failed message is settled.

    The back-off was meant to spare a broken dependency.
    """

    def __init__(self, backoff_s: float) -> None:
        self._backoff_s = backoff_s

    def attempt(self, handler: MessageHandler, delivery: Delivery) -> Failure | None:
        """Have the message handled; on a failure wait, then describe it.

        ``err = e`` outlives the ``except`` block, which would have dropped ``e`` itself. It closes a cycle
        (exception, traceback, this frame, ``err``) that only the collector can free; during the sleep it is reachable
        and ages into the oldest generation, and full collections there are deferred until a quarter of all long-lived
        objects is new. A failed message of 3 MB keeps 15 MB alive and brings a few hundred objects: the rows of its
        log, dicts of nothing but text, are not tracked. So it takes hundreds of messages (incident.md, section 7, hole
        3).
        """
        err = None
        try:
            handler.handle(delivery)
        except Exception as e:  # noqa: BLE001 - a thread must settle its message, whatever went wrong
            err = e
        if err is None:
            return None
        logger.warning("backing_off", conversation_id=delivery.conversation_id, wait_s=self._backoff_s, error=str(err))
        time.sleep(self._backoff_s)
        return describe_failure(err)


class KeepText:
    """Keeps of an exception what the log and the database need, as text."""

    def attempt(self, handler: MessageHandler, delivery: Delivery) -> Failure | None:
        """Have the message handled; describe the failure where it is caught."""
        try:
            handler.handle(delivery)
        except Exception as error:  # noqa: BLE001 - a thread must settle its message, whatever went wrong
            return describe_failure(error)
        return None
