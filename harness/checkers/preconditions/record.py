"""Is there a whole record to judge? What a killed process tore, or a trial never wrote, can hide any failure.

They judge nothing the worker did: a record with a hole in it is *unknown*, and the verdict can't be better than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check, MadeOf
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult

# The worker writes them itself: the OOM kill that a trial is about may tear any line of them.
_MAY_BE_TORN = ("worker_stats.jsonl", "alerts.jsonl")


def check_record(case: Case) -> CheckResult:
    """The trial was played to its end, and every file that the harness wrote could be read."""
    threshold = "played to its end, every file readable"
    lacking = [said for said in case.trial.damaged if not said.startswith(_MAY_BE_TORN)]
    if not any(event.kind == "trial_ended" for event in case.trial.events):
        lacking.insert(0, "the trial was cut off before its end")
    if not lacking:
        return case.result(RECORD.name, Verdict.PASS, "whole", threshold)
    return case.result(RECORD.name, Verdict.UNKNOWN, lacking[0], threshold, "; ".join(lacking[1:]))


def check_drained(case: Case) -> CheckResult:
    """Every queue was empty in the end; else messages may still do what they have not done yet."""
    threshold = "nothing ready, unacknowledged or open"
    drain = case.trial.drain
    if drain is None:
        return case.result(DRAINED.name, Verdict.UNKNOWN, "never drained", threshold, "The trial was cut off.")
    verdict = Verdict.PASS if drain.complete else Verdict.UNKNOWN
    return case.result(DRAINED.name, verdict, f"{drain.last_seen}, after {drain.waited_s:.0f} s", threshold)


RECORD = Check("record whole", check_record, made_of=MadeOf.EVERY)
DRAINED = Check("queues drained", check_drained, made_of=MadeOf.HOLDING)
