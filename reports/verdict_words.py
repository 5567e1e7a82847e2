"""The verdict in words: one word, and one sentence of why.

Used by every renderer. Judges nothing: it words what the judgement already says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict
from reports import wording

if TYPE_CHECKING:
    from harness.record import CheckResult, Judgement, RunRecord, TrialRecord

WORDS = {Verdict.PASS: "PASS", Verdict.FAIL: "FAIL", Verdict.UNKNOWN: "UNKNOWN"}
KILLERS = ("kernel", "watchdog")


def last_line(judgement: Judgement) -> str:
    """Return the line that a command prints last: ``make`` flattens exit codes, this line does not."""
    return f"VERDICT: {judgement.verdict.value}"


def reason(run: RunRecord, judgement: Judgement) -> str:
    """Return one sentence of why the verdict is what it is."""
    checks = judgement.checks
    if not checks:
        return "Nothing was checked, so nothing is known."
    deciding = [result for result in checks if result.verdict is judgement.verdict]
    if judgement.verdict is Verdict.PASS:
        return f"All {wording.count(len(checks), 'check')} passed: {outcomes(run)}."
    if not deciding:
        return (
            f"The run's verdict is {WORDS[judgement.verdict]} though no single check says so: "
            "the run as a whole was judged incomplete."
        )
    share = f"{len(deciding)} of {wording.count(len(checks), 'check')}"
    if judgement.verdict is Verdict.FAIL:
        return f"{share} failed. {_told(deciding[0])}"
    return f"Nothing failed, but {share} could not be decided. {_told(deciding[0])}"


def outcomes(run: RunRecord) -> str:
    """Return what became of each arm, in one clause each, joined by semicolons."""
    return "; ".join(outcome(trial) for trial in run.trials) or "no arm was run"


def outcome(trial: TrialRecord) -> str:
    """Return what became of the worker of one arm: ``incident was killed 2 times at 3000 MiB``."""
    if not trial.incarnations:
        return f"of {trial.arm} no incarnation was recorded"
    peak_bytes = max(incarnation.peak_bytes for incarnation in trial.incarnations)
    peak = f" and peaked at {wording.mib(peak_bytes)}" if peak_bytes else "; its peak was not recorded"
    killed = [incarnation for incarnation in trial.incarnations if incarnation.ended_by in KILLERS]
    if not killed:
        return f"{trial.arm} was never killed{peak}"
    emulated = " by the emulated limit" if killed[0].ended_by == "watchdog" else ""
    return f"{trial.arm} was killed {wording.count(len(killed), 'time')}{emulated}{peak}"


def _told(result: CheckResult) -> str:
    """Return one check as a sentence; its detail where it has one, because the detail says why."""
    figures = f"{result.check} of {result.arm}: measured {result.measured}, wanted {result.threshold}"
    return f"{figures}. {result.detail}".rstrip() if result.detail else f"{figures}."
