"""Remedy: how often an event is retried, and what ``should_retry`` means.

The report asks for at most 5 retries, then PERMANENTLY_FAILED for a person to handle. The retry job
(``process_failed_events``) asks ``decide`` about each event that it fetched, and ``count_failure`` after a retry that
failed.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    from datetime import datetime

    from worker_under_test.conversation_event_model import ConversationEvent

REMEDY = Remedy(
    name="retry_limit",
    original="none",
    reported="5, but nothing counts them, and PERMANENTLY_FAILED is not in the CHECK",
    hardened="5, counted; not due yet is not the same as given up",
    asked_for="3.2.5, 3.4",
)


class RetryDecision(Enum):
    """What to do with an event that the retry job fetched."""

    RETRY = "retry"
    NOT_DUE = "not_due"  # another job rescheduled it since it was fetched
    GIVE_UP = "give_up"


class RetryLimit(Protocol):
    """Decides about an event that failed. ``claims`` says whether the job claims an event before it works on it."""

    claims: bool

    def decide(self, event: ConversationEvent, now: datetime) -> RetryDecision:
        """Return what to do with a fetched event."""
        ...

    def count_failure(self, event: ConversationEvent) -> int | None:
        """Count one more failed retry; return the attempt that the schedule is to use, None for the first one's."""
        ...


def choose(behaviour: Behaviour, retries_max: int) -> RetryLimit:
    """Return the limit of ``behaviour``; ``retries_max`` is MAX_RETRY_ATTEMPTS."""
    if behaviour is Behaviour.ORIGINAL:
        return Unlimited()
    return AsReported(retries_max) if behaviour is Behaviour.REPORTED else Counted(retries_max)


def schema_revision(behaviour: Behaviour) -> str:
    """Return the last revision of the schema that ``behaviour`` knows.

    Hole 9: the report's CHECK leaves PERMANENTLY_FAILED out, so the database refuses the update that ends a retry.
    """
    return "head" if behaviour is Behaviour.HARDENED else "0002"


class Unlimited:
    """Retries every due event, for ever."""

    claims = False

    def decide(self, event: ConversationEvent, now: datetime) -> RetryDecision:  # noqa: ARG002 - the protocol's
        """Retry it."""
        return RetryDecision.RETRY

    def count_failure(self, event: ConversationEvent) -> int | None:  # noqa: ARG002 - the protocol's
        """Count nothing."""
        return None


class AsReported:
    """The report's ``should_retry``, and how its caller uses the answer."""

    claims = False

    def __init__(self, retries_max: int) -> None:
        self._retries_max = retries_max

    def should_retry(self, event: ConversationEvent, now: datetime) -> bool:
        """Answer as the report's code does: False for "limit reached" and for "not due yet" alike."""
        if event.retry_count >= self._retries_max:
            return False
        return not (event.next_attempt_at and event.next_attempt_at > now)

    def decide(self, event: ConversationEvent, now: datetime) -> RetryDecision:
        """Interpret the answer as the report's caller does. Hole 12: an event that is only not due yet is given up."""
        return RetryDecision.RETRY if self.should_retry(event, now) else RetryDecision.GIVE_UP

    def count_failure(self, event: ConversationEvent) -> int | None:  # noqa: ARG002 - the protocol's
        """Count nothing.

        Hole 10: ``retry_count`` stays 0 and ``mark_failed`` never gets the attempt; the limit never applies.
        """
        return None


class Counted:
    """Counts the retries, and tells the three cases apart."""

    claims = True

    def __init__(self, retries_max: int) -> None:
        self._retries_max = retries_max

    def decide(self, event: ConversationEvent, now: datetime) -> RetryDecision:
        """Give up an event only when its retries are used up."""
        if event.retry_count >= self._retries_max:
            return RetryDecision.GIVE_UP
        if event.next_attempt_at and event.next_attempt_at > now:
            return RetryDecision.NOT_DUE
        return RetryDecision.RETRY

    def count_failure(self, event: ConversationEvent) -> int | None:
        """Count the retry; the wait after the n-th failed retry is that of attempt n."""
        event.retry_count += 1
        return event.retry_count
