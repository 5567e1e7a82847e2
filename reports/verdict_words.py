"""Words a verdict: one word, one sentence of why, and what became of the worker of each arm.

Used by every renderer. Judges nothing and counts nothing: it words the judgement, and kills as
``reports.analysis.kills`` lists them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict
from harness.record.facts import MemoryKind, highest_peak, mib, victim
from reports import wording
from reports.analysis.kills import doubt_of, kill_count, kills_of

if TYPE_CHECKING:
    from harness.record import CheckResult, Judgement, Manifest, RunRecord, TrialRecord

_MOSTLY = 0.9  # of a peak: where the working set was less, the rest is worth a word
WORDS = {Verdict.PASS: "PASS", Verdict.FAIL: "FAIL", Verdict.UNKNOWN: "UNKNOWN"}


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
        return f"{share} failed. {_sentence(deciding[0])}"
    return f"Nothing failed, but {share} could not be decided. {_sentence(deciding[0])}"


def outcomes(run: RunRecord) -> str:
    """Return what became of each arm, in one clause each, joined by semicolons."""
    return "; ".join(outcome(trial, run.manifest) for trial in run.trials) or "no arm was run"


def outcome(trial: TrialRecord, manifest: Manifest) -> str:
    """Return what became of the worker of one arm: ``incident was killed 2 times and peaked at 3000 MiB``."""
    if not trial.incarnations:
        return f"of {trial.arm} no incarnation was recorded"
    peak = peak_words(trial)
    words = f"{trial.arm} was {kill_words(trial, manifest)}"
    joint = "; it" if "; " in words or ": " in words else " and"
    words += "; its peak was not recorded" if peak is None else f"{joint} peaked at {peak}"
    doubts = [doubt for incarnation in trial.incarnations if (doubt := doubt_of(incarnation, trial, manifest))]
    return f"{words} (in doubt: {doubts[0]})" if doubts else words


def kill_words(trial: TrialRecord, manifest: Manifest) -> str:
    """Return ``never killed``, ``killed 2 times``, or ``killed 1 time: process 71 …`` where it was not the first."""
    kills = kills_of(trial, manifest)
    if not kills:
        return "never killed"
    emulated = " by the emulated limit" if kills[0].emulated else ""
    other = next((kill for kill in kills if not kill.killed.first_process), None)
    whom = f": {victim(other.killed, other.incarnation)}" if other else ""
    return f"killed {wording.count(kill_count(trial, manifest), 'time')}{emulated}{whom}"


def peak_words(trial: TrialRecord) -> str | None:
    """Return the highest mark of all incarnations, the cgroup's where there is one; None where none was read.

    Where much of it was file pages that the kernel can drop, the working set's own peak stands beside it.
    """
    highest, working_set = highest_peak(trial, MemoryKind.CGROUP), highest_peak(trial)
    if highest is None:
        return None
    droppable = working_set is not None and working_set.high_bytes < _MOSTLY * highest.low_bytes
    words = mib(highest.low_bytes)
    return f"{words} (its working set at {mib(working_set.low_bytes)})" if working_set and droppable else words


def _sentence(result: CheckResult) -> str:
    """Return one check as a sentence; its detail where it has one, because the detail says why."""
    measured = f"{result.check} of {result.arm}: measured {result.measured}, wanted {result.threshold}"
    return f"{measured}. {result.detail}".rstrip() if result.detail else f"{measured}."
