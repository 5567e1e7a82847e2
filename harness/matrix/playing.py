"""Plays the runs of a matrix: each a ``harness run`` of its own, several side by side, all ended when we are.

Used by ``harness verify``. A run that breaks breaks alone, and says why in its log. It reads no verdict: how a run
ended is in its directory.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.environment.process import Child
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

# A scenario of the library takes four minutes at most, seven on a busy machine; a run that has not ended by then has
# stopped getting anywhere.
RUN_TIMEOUT_S = 900.0
# On SIGTERM a run takes everything down within ten seconds; on a busy machine it may take three times as long.
_GRACE_S = 30.0
_LOOK_INTERVAL_S = 0.2


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be played. ``folder`` is its own: what it leaves there is its run directory, named by ``latest``."""

    name: str
    scenario_file: Path
    options: tuple[str, ...]
    folder: Path
    log_file: Path

    @property
    def argv(self) -> tuple[str, ...]:
        """The command."""
        runs = ("--runs-dir", str(self.folder))
        return (sys.executable, "-m", "harness", "run", str(self.scenario_file), *self.options, *runs)


def play_jobs(
    jobs: Iterable[Job], env: Mapping[str, str], cwd: Path, side_by_side: int, ended: Callable[[Job, int], None]
) -> None:
    """Play all jobs, at most ``side_by_side`` at once; tell ``ended`` of each with its exit status.

    Whatever raises here, an interruption too, the runs at work are ended and take their parts down first. Raises
    WaitTimeoutError for a run that does not end.
    """
    waiting = list(jobs)
    with ExitStack() as stack:
        at_work: list[tuple[Job, Child]] = []
        while waiting or at_work:
            while waiting and len(at_work) < side_by_side:
                job = waiting.pop(0)
                child = Child(f"harness run {job.name}", job.argv, env, job.log_file, cwd)
                stack.callback(_end, child)
                at_work.append((job, child.start()))
            _wait_for_an_end(at_work)
            for job, child in [each for each in at_work if each[1].poll() is not None]:
                at_work.remove((job, child))
                ended(job, child.exit_status or 0)


def _wait_for_an_end(at_work: list[tuple[Job, Child]]) -> None:
    wait_for(
        f"one of the runs of {', '.join(job.name for job, _ in at_work)} to end",
        lambda: any(child.poll() is not None for _, child in at_work),
        timeout_s=RUN_TIMEOUT_S,
        interval_s=_LOOK_INTERVAL_S,
    )


def _end(child: Child) -> None:
    child.terminate(_GRACE_S)
