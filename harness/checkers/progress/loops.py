"""Is nothing finished: because the same messages come again and again, or because the worker just waits?

By the broker's own counts, from the first sample of the phases to the last: acknowledgements stand still; in a loop
redeliveries climb. Their count is divided by the messages that were published by then and not finished before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Name, Number, Strict, Whole
from harness.record import Role, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord

_UNSEEN = "the phases were never sampled, or no message was there"


class Loops(Strict):
    """The same messages come again and again and none is finished, during these phases, which follow one another.

    An arm of role `before` or `reported` has to show it. For an arm of role `after` it is a bound: one that loops so
    has failed, one that does not passes.
    """

    redeliveries_per_message_at_least: Annotated[Number, Field(gt=0)]
    finished_at_most: Annotated[Whole, Field(ge=0)] = 0
    during: Annotated[tuple[Name, ...], Field(min_length=1)]


class StandsStill(Strict):
    """No more than so many messages are finished during these phases, which follow one another."""

    finished_at_most: Annotated[Whole, Field(ge=0)] = 0
    during: Annotated[tuple[Name, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the broker counted over some phases."""

    waiting: int  # messages published by the end, less those finished before the beginning
    redelivered: int
    finished: int


def stretch_of(trial: TrialRecord, phases: Sequence[str]) -> Stretch | None:
    """Return the counts over ``phases``; None where they were not sampled, or there was no message to finish."""
    spans = [span for span in trial.phases if span.name in phases]
    from_s, to_s = min((s.start_s for s in spans), default=0.0), max((s.end_s for s in spans), default=0.0)
    inside = [sample for sample in trial.queue if from_s <= sample.t_s <= to_s]
    if len(inside) < 2:  # noqa: PLR2004 - a difference takes two samples
        return None
    published = sum(publish.confirmed_s is not None and publish.confirmed_s <= to_s for publish in trial.publishes)
    first, last = inside[0], inside[-1]
    if published <= first.acked:
        return None
    return Stretch(published - first.acked, last.redelivered - first.redelivered, last.acked - first.acked)


def check(case: Case, expected: Loops) -> CheckResult:
    """Pass where redeliveries climbed so far and no more was finished; where they did not, of an arm that holds."""
    threshold = (
        f"at least {expected.redeliveries_per_message_at_least:g} redeliveries a message,"
        f" at most {expected.finished_at_most} finished"
    )
    threshold = f"not {threshold}" if case.role == Role.AFTER else threshold
    counts = stretch_of(case.trial, expected.during)
    if counts is None:
        return case.result(LOOP.name, Verdict.UNKNOWN, _UNSEEN, threshold)
    each = counts.redelivered / counts.waiting
    measured = (
        f"{counts.redelivered} redeliveries of {counts.waiting} messages ({each:.1f} each), {counts.finished} finished"
    )
    loops = each >= expected.redeliveries_per_message_at_least and counts.finished <= expected.finished_at_most
    if case.role == Role.AFTER:
        detail = "This worker has to hold, and it loops." if loops else ""
        return case.result(LOOP.name, Verdict.FAIL if loops else Verdict.PASS, measured, threshold, detail)
    detail = "" if loops else "This worker does not loop: look again at the claim."
    return case.result(LOOP.name, Verdict.PASS if loops else case.missed, measured, threshold, detail)


def check_still(case: Case, expected: StandsStill) -> CheckResult:
    """Pass where no more was finished, though messages were there; unknown where the phases were not sampled."""
    threshold = f"at most {expected.finished_at_most} finished"
    counts = stretch_of(case.trial, expected.during)
    if counts is None:
        return case.result(STILL.name, Verdict.UNKNOWN, _UNSEEN, threshold)
    measured = f"{counts.finished} of {counts.waiting} finished"
    still = counts.finished <= expected.finished_at_most
    detail = "" if still else "This worker gets on: look again at the claim."
    return case.result(STILL.name, Verdict.PASS if still else case.missed, measured, threshold, detail)


LOOP = Check("redelivery loop", check, Loops, key="loops", phases=("during",))
STILL = Check("standstill", check_still, StandsStill, key="stands_still", only_failing=True, phases=("during",))
