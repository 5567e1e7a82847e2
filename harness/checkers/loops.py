"""Do the same messages come again and again, with none finished: the worker is busy, and gets nowhere?

By the broker's own counts, from the first sample of the phases to the last: redeliveries climb, acknowledgements stand
still. The count of redeliveries is divided by the messages that were published by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.results import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.results import CheckResult
    from harness.scenario.expectations import Loops

NAME = "redelivery loop"


def check(case: Case, expected: Loops) -> CheckResult:
    """Pass where redeliveries climbed so far and no more was finished; unknown where the phases were not sampled."""
    threshold = (
        f"at least {expected.redeliveries_per_message_at_least:g} redeliveries a message,"
        f" at most {expected.finished_at_most} finished"
    )
    trial = case.trial
    spans = [span for span in trial.phases if span.name in expected.during]
    from_s, to_s = min((s.start_s for s in spans), default=0.0), max((s.end_s for s in spans), default=0.0)
    inside = [sample for sample in trial.queue if from_s <= sample.t_s <= to_s]
    published = sum(publish.confirmed_s is not None and publish.confirmed_s <= to_s for publish in trial.publishes)
    waiting = published - inside[0].acked if inside else 0
    if len(inside) < 2 or waiting < 1:  # noqa: PLR2004 - a difference takes two samples
        return case.result(NAME, Verdict.UNKNOWN, "the phases were never sampled, or no message was there", threshold)
    redelivered, finished = inside[-1].redelivered - inside[0].redelivered, inside[-1].acked - inside[0].acked
    each = redelivered / waiting
    measured = f"{redelivered} redeliveries of {waiting} messages ({each:.1f} each), {finished} finished"
    loops = each >= expected.redeliveries_per_message_at_least and finished <= expected.finished_at_most
    detail = "" if loops else "This worker does not loop: look again at the claim."
    return case.result(NAME, Verdict.PASS if loops else case.missed, measured, threshold, detail)
