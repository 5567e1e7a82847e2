"""Is each failed message due again after the wait that is claimed for its attempt, and do the waits spread?

The wait is the time from when the status was last written to the next attempt, both by the worker's own record and
clock, in real time: a worker that counts hours is not hurried by a scenario's time scale.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import DurationS, Fraction, Strict, Whole
from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.case import Case
    from harness.record import CheckResult, Outcome

_SHOWN_MAX = 3
_HOUR_S = 3600.0
_EXPONENT_MAX = 32  # beyond this every wait has reached the longest one
_CLOCK_S = 2.0  # the status and the next attempt are stamped one after the other, on a machine that may be busy


class RetryTimes(Strict):
    """Every failed message is due again after ``base`` × ``factor`` ^ attempt, give or take ``jitter``.

    No wait is longer than ``at_most``: the middle of the spread is capped so that its late end stays below it. The
    attempt is the number of retries on record. Among the messages of one attempt the waits use at least
    ``spread_at_least`` of the whole spread, so that they do not all come back together. At least
    ``messages_at_least`` messages wait, at ``attempt_at_least`` or a later attempt.
    """

    base: DurationS
    factor: Annotated[Whole, Field(ge=1, le=10)] = 2
    jitter: Fraction
    at_most: DurationS
    messages_at_least: Annotated[Whole, Field(ge=1)]
    attempt_at_least: Annotated[Whole, Field(ge=0, le=100)] = 0
    spread_at_least: Fraction = 0.3


def check(case: Case, expected: RetryTimes) -> CheckResult:
    """Pass where every wait is in the window of its attempt and the waits spread; unknown without their times."""
    threshold = (
        f"at least {expected.messages_at_least} messages due {expected.base / _HOUR_S:g} h × {expected.factor}^attempt"
        f" ± {expected.jitter:.0%} after their failure, at most {expected.at_most / _HOUR_S:g} h"
    )
    failed = [row for row in case.trial.outcomes if row.next_attempt_at is not None]
    waits = {row.message_id: (row.retry_count, wait_s) for row in failed if (wait_s := wait_of(row)) is not None}
    late = [wait for wait in waits.values() if wait[0] >= expected.attempt_at_least]
    measured = f"{len(late)} messages wait{_range_of(late)}"
    if len(waits) < len(failed):
        detail = f"{len(failed) - len(waits)} messages have a next attempt, and no time of their failure on record."
        return case.result(RETRY_TIMES.name, Verdict.UNKNOWN, measured, threshold, detail)
    if wrong := sorted(name for name, wait in waits.items() if not _is_due(wait, expected)):
        shown = ", ".join(f"{name} {waits[name][1] / _HOUR_S:.2f} h" for name in wrong[:_SHOWN_MAX])
        detail = f"{len(wrong)} are due outside the window of their attempt, first: {shown}."
        return case.result(RETRY_TIMES.name, case.missed, measured, threshold, detail)
    if len(late) < expected.messages_at_least:
        detail = f"Too few wait at attempt {expected.attempt_at_least} or later."
        return case.result(RETRY_TIMES.name, case.missed, measured, threshold, detail)
    if bunched := list(_bunched(late, expected)):
        return case.result(RETRY_TIMES.name, case.missed, measured, threshold, " ".join(bunched))
    return case.result(RETRY_TIMES.name, Verdict.PASS, measured, threshold)


def wait_of(row: Outcome) -> float | None:
    """Return the seconds from a failure to the next attempt; None where either time is not on record."""
    try:
        failed = datetime.fromisoformat(row.failed_at or "")
        due = datetime.fromisoformat(row.next_attempt_at or "")
        return (due - failed).total_seconds()
    except (ValueError, TypeError):  # TypeError: one of them names a time zone and the other does not
        return None


def window_s(attempt: int, expected: RetryTimes) -> tuple[float, float]:
    """Return the shortest and the longest wait of an attempt, in seconds."""
    grown_s = expected.base * expected.factor ** min(attempt, _EXPONENT_MAX)
    middle_s = min(grown_s, expected.at_most / (1 + expected.jitter))
    return middle_s * (1 - expected.jitter), middle_s * (1 + expected.jitter)


def _is_due(wait: tuple[int, float], expected: RetryTimes) -> bool:
    shortest_s, longest_s = window_s(wait[0], expected)
    return shortest_s - _CLOCK_S <= wait[1] <= longest_s + _CLOCK_S


def _bunched(waits: list[tuple[int, float]], expected: RetryTimes) -> Iterator[str]:
    """Yield a sentence for each attempt whose waits spread too little; a few messages say nothing of a spread."""
    for attempt in sorted({attempt for attempt, _ in waits}):
        own = [wait_s for each, wait_s in waits if each == attempt]
        shortest_s, longest_s = window_s(attempt, expected)
        if len(own) < expected.messages_at_least or longest_s <= shortest_s:
            continue
        share = (max(own) - min(own)) / (longest_s - shortest_s)
        if share < expected.spread_at_least:
            yield f"The {len(own)} waits of attempt {attempt} use {share:.0%} of the spread."


def _range_of(waits: list[tuple[int, float]]) -> str:
    if not waits:
        return ""
    lengths = [wait_s / _HOUR_S for _, wait_s in waits]
    attempts = sorted({attempt for attempt, _ in waits})
    named = str(attempts[0]) if len(attempts) == 1 else f"{attempts[0]} to {attempts[-1]}"
    return f" {min(lengths):.2f} to {max(lengths):.2f} h, attempt {named}"


RETRY_TIMES = Check("retry times", check, RetryTimes, key="retry_times", needs_drain=True)
