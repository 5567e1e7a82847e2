"""Remedy: when a failed event is due again.

The report asks for 6 h × 2^attempt, ± 20 %, at most 48 h, so that the events of one outage do not all come back at
the same moment.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    import random

REMEDY = Remedy(
    name="retry_schedule",
    original="6 h after each failure",
    reported="6 h x 2^attempt, jitter of 20 %, then cut off at 48 h",
    hardened="6 h x 2^attempt, capped so that the jitter of 20 % ends at 48 h",
    asked_for="3.2.5",
)

_JITTER = 0.2
_CEILING_HOURS = 48.0
# 2^16 base intervals are centuries; a larger exponent would only overflow a float.
_EXPONENT_MAX = 16


class RetrySchedule(Protocol):
    """Computes how long after its latest failure an event is due again."""

    def __call__(self, attempt: int, base_hours: float, rng: random.Random) -> timedelta:
        """Return the wait after failure number ``attempt``, 0 for the first."""
        ...


def choose(behaviour: Behaviour) -> RetrySchedule:
    """Return the schedule of ``behaviour``."""
    return {Behaviour.ORIGINAL: same_wait, Behaviour.REPORTED: jitter_then_cap, Behaviour.HARDENED: cap_then_jitter}[
        behaviour
    ]


def same_wait(attempt: int, base_hours: float, rng: random.Random) -> timedelta:  # noqa: ARG001 - the protocol's
    """Wait six hours, each time, for every event: what the cron job did before the report."""
    return timedelta(hours=base_hours)


def jitter_then_cap(attempt: int, base_hours: float, rng: random.Random) -> timedelta:
    """Draw the wait as the report's code does.

    Hole 11: the cap comes after the jitter, so from attempt 3 on half of all waits are exactly 48 h, and those events
    are due at the same moment.
    """
    backoff_hours = base_hours * 2 ** min(attempt, _EXPONENT_MAX)
    return timedelta(hours=min(backoff_hours + backoff_hours * rng.uniform(-_JITTER, _JITTER), _CEILING_HOURS))


def cap_then_jitter(attempt: int, base_hours: float, rng: random.Random) -> timedelta:
    """Cap the middle of the spread at 40 h, so that its late end is 48 h and no two events share one moment."""
    middle_hours = min(base_hours * 2 ** min(attempt, _EXPONENT_MAX), _CEILING_HOURS / (1 + _JITTER))
    return timedelta(hours=middle_hours * (1 + rng.uniform(-_JITTER, _JITTER)))
