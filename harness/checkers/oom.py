"""Was the worker OOM-killed as production was, or was it never killed at all?

Exit 137 alone only proves SIGKILL, so each kill needs three witnesses: the exit status, the cgroup's ``oom_kill``
count, and a high-water mark at the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.base import mib
from harness.results import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.results import CheckResult, WorkerLife
    from harness.scenario.expectations import OomKilled

KILLED = "killed by the kernel"
SURVIVED = "never killed"
SIGKILL_STATUS = 137


def is_oom_kill(life: WorkerLife, limit_bytes: int, peak_at_least: float = 0.99) -> bool:
    """Return whether this life ended by the kernel's OOM killer, by all three witnesses."""
    return (
        life.exit_status == SIGKILL_STATUS
        and life.oom_kill_delta > 0
        and (life.peak_cgroup_bytes or 0) >= peak_at_least * limit_bytes
    )


def check_killed(case: Case, expected: OomKilled) -> CheckResult:
    """Pass with exactly the expected kills and restarts; a survivor has not reproduced the incident: unknown."""
    trial = case.trial
    limit_bytes = trial.limit.limit_bytes if trial.limit else case.run.manifest.limit_bytes
    kills = [life for life in trial.lives if is_oom_kill(life, limit_bytes, expected.peak_at_least)]
    restarts = max(0, len(trial.lives) - 1)
    peak = max((life.peak_bytes for life in trial.lives), default=0)
    threshold = (
        f"{expected.kills} kills with exit 137, oom_kill and a peak of {expected.peak_at_least:.0%} of"
        f" {mib(limit_bytes)}; {expected.restarts} restarts"
    )
    measured = f"{len(kills)} kills, {restarts} restarts, peak {mib(peak)}"
    if trial.limit is None:
        detail = "How the limit was enforced was not recorded."
        return case.result(KILLED, Verdict.UNKNOWN, measured, threshold, detail)
    if trial.limit.emulated:
        detail = "The limit is emulated: no kernel kill is possible."
        return case.result(KILLED, Verdict.UNKNOWN, measured, threshold, detail)
    if len(kills) == expected.kills and restarts == expected.restarts:
        return case.result(KILLED, Verdict.PASS, measured, threshold)
    doubtful = [life for life in trial.lives if life.exit_status == SIGKILL_STATUS and life not in kills]
    if doubtful:
        detail = _doubt(doubtful[0])
    elif not kills:
        detail = f"The incident was not reproduced: the worker survived with a peak of {mib(peak)}."
    else:
        detail = "The incident was not reproduced as it was recorded: another number of kills or restarts."
    return case.result(KILLED, case.missed, measured, threshold, detail)


def _doubt(life: WorkerLife) -> str:
    """Say which witness is missing of a life that ended with 137."""
    if life.oom_kill_delta == 0:
        return f"Life {life.index} ended with 137, but the oom_kill count stood still: something else sent SIGKILL."
    if life.peak_cgroup_bytes is None:
        return f"Life {life.index} was OOM-killed, but its high-water mark was never read."
    return (
        f"Life {life.index} was OOM-killed at a peak of {mib(life.peak_cgroup_bytes)}: the limit that killed it is not"
        " the one on record."
    )


def check_survived(case: Case) -> CheckResult:
    """Pass where the worker lived one life, ended by the harness; missed where anything else ended it."""
    lives = case.trial.lives
    threshold = "one life, ended by the harness"
    if not lives:
        return case.result(SURVIVED, Verdict.UNKNOWN, "the worker was never started", threshold)
    early = [life for life in lives if life.ended_by not in ("harness", "unknown") or life.oom_kill_delta > 0]
    if early:
        first = early[0]
        measured = (
            f"{len(early)} early ends; life {first.index}: exit {first.exit_status}, oom_kill +{first.oom_kill_delta}"
        )
        return case.result(SURVIVED, case.missed, measured, threshold, f"See the log worker-{first.index}.")
    if len(lives) > 1 or lives[0].ended_by == "unknown":
        detail = "The record of the worker's end is missing."
        return case.result(SURVIVED, Verdict.UNKNOWN, f"{len(lives)} lives", threshold, detail)
    return case.result(SURVIVED, Verdict.PASS, "one life", threshold)
