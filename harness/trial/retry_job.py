"""Plays the retry job at the end of a trial: through the hours for which its events were deferred, until none is due.

Used by the trial where a scenario asks for it. The hours are not waited for: the job is given a time after the last
due date, as cron would reach it. Its retries carry the schedule on, so it runs again, as often as an event may fail.
Several jobs run at once where the scenario says so: they get the same time, and meet the same events.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.environment.process import Child
from harness.errors import PartFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.protocols.outcome_store import OutcomeStore
    from harness.store import TrialFolder

# An event may fail five times and is given up at the next look; the rest is for one that another one's retry deferred.
ROUNDS_MAX = 8
_AFTER = timedelta(seconds=1)


def play_retry_job(
    argv: Callable[[str], Sequence[str]],
    env: Mapping[str, str],
    outcomes: OutcomeStore,
    folder: TrialFolder,
    *,
    root: Path,
    limit_s: float,
    jobs: int = 1,
) -> None:
    """Run ``jobs`` of them until no event waits for a retry; ``argv`` gives the command for a time in ISO 8601, UTC.

    What came of a round is an event: a job that broke, or did not come to an end, leaves its messages to the ledger.
    """
    deadline_mono_s = time.monotonic() + limit_s
    for number in range(ROUNDS_MAX):
        due = [row.next_attempt_at for row in outcomes.outcomes() if row.status == "FAILED" and row.next_attempt_at]
        if not due:
            break
        now = f"{datetime.fromisoformat(max(due)) + _AFTER:%Y-%m-%dT%H:%M:%S}+00:00"
        logs = [folder.logs / f"retry-{number}-{job}.log" for job in range(jobs)]
        folder.event("retry_job_began", now=now, waiting=len(due), jobs=jobs)
        status = _run([Child("retry job", argv(now), env, log, cwd=root) for log in logs], deadline_mono_s)
        folder.event("retry_job_ended", exit_status=status)
        if status != 0:
            break


def _run(jobs: Sequence[Child], deadline_mono_s: float) -> int | None:
    """Run them at once; return the worst exit status, None where one could not be started or met the limit."""
    try:
        with ExitStack() as at_work:
            for job in jobs:
                at_work.enter_context(job)
            return max(job.wait(max(0.0, deadline_mono_s - time.monotonic())) for job in jobs)
    except PartFailedError:  # the limit passed, or the program is not there
        return None
