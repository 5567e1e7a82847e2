"""Was the worker OOM-killed as production was, or was it never killed at all?

Exit 137 alone only proves SIGKILL, so each kill needs three witnesses: the exit status, the cgroup's ``oom_kill``
count, and a high-water mark at the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.base import mib
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.base import Case
    from harness.record import CheckResult, Incarnation
    from harness.scenario.expectations import OomKilled

KILLED = "killed by the kernel"
SURVIVED = "never killed"
SIGKILL_STATUS = 137


def is_oom_kill(incarnation: Incarnation, limit_bytes: int, peak_at_least: float = 0.99) -> bool:
    """Return whether this incarnation ended by the kernel's OOM killer, by all three witnesses."""
    return (
        incarnation.exit_status == SIGKILL_STATUS
        and incarnation.oom_kill_delta > 0
        and (incarnation.peak_cgroup_bytes or 0) >= peak_at_least * limit_bytes
    )


def check_killed(case: Case, expected: OomKilled) -> CheckResult:
    """Pass with exactly the expected kills and restarts; a survivor has not reproduced the incident: unknown."""
    trial = case.trial
    limit_bytes = trial.limit.limit_bytes if trial.limit else case.run.manifest.limit_bytes
    kills = [
        incarnation
        for incarnation in trial.incarnations
        if is_oom_kill(incarnation, limit_bytes, expected.peak_at_least)
    ]
    restarts = max(0, len(trial.incarnations) - 1)
    peak = max((incarnation.peak_bytes for incarnation in trial.incarnations), default=0)
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
    doubtful = [
        incarnation
        for incarnation in trial.incarnations
        if incarnation.exit_status == SIGKILL_STATUS and incarnation not in kills
    ]
    if doubtful:
        detail = _doubt(doubtful[0])
    elif not kills:
        detail = f"The incident was not reproduced: the worker survived with a peak of {mib(peak)}."
    else:
        detail = "The incident was not reproduced as it was recorded: another number of kills or restarts."
    return case.result(KILLED, case.missed, measured, threshold, detail)


def _doubt(incarnation: Incarnation) -> str:
    """Say which witness is missing of an incarnation that ended with 137."""
    if incarnation.oom_kill_delta == 0:
        return (
            f"Incarnation {incarnation.index} ended with 137, but the oom_kill count stood still:"
            " something else sent SIGKILL."
        )
    if incarnation.peak_cgroup_bytes is None:
        return f"Incarnation {incarnation.index} was OOM-killed, but its high-water mark was never read."
    return (
        f"Incarnation {incarnation.index} was OOM-killed at a peak of {mib(incarnation.peak_cgroup_bytes)}: the limit"
        " that killed it is not the one on record."
    )


def check_survived(case: Case) -> CheckResult:
    """Pass where the worker lived one incarnation, ended by the harness; missed where anything else ended it."""
    incarnations = case.trial.incarnations
    threshold = "one incarnation, ended by the harness"
    if not incarnations:
        return case.result(SURVIVED, Verdict.UNKNOWN, "the worker was never started", threshold)
    early = [
        incarnation
        for incarnation in incarnations
        if incarnation.ended_by not in ("harness", "unknown") or incarnation.oom_kill_delta > 0
    ]
    if early:
        first = early[0]
        how = f"exit {first.exit_status}, oom_kill +{first.oom_kill_delta}"
        measured = f"{len(early)} early ends; incarnation {first.index}: {how}"
        return case.result(SURVIVED, case.missed, measured, threshold, f"See the log worker-{first.index}.")
    if len(incarnations) > 1 or incarnations[0].ended_by == "unknown":
        detail = "The record of the worker's end is missing."
        return case.result(SURVIVED, Verdict.UNKNOWN, f"{len(incarnations)} incarnations", threshold, detail)
    return case.result(SURVIVED, Verdict.PASS, "one incarnation", threshold)
