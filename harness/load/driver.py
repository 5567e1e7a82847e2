"""The workload of one trial: writes the plan, runs the publishers' process, and says what came of it.

Used by the trial. It publishes nothing itself, never imports locust, and does not decide whether a workload was good
enough.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import harness
from harness.environment.process import Child
from harness.errors import PartFailedError, RunDirectoryError
from harness.load.plan import PLAN_VARIABLE, write_plan
from harness.load.summary import summarise
from harness.store.publish_journal import read_journal
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from harness.load.plan import Plan
    from harness.load.summary import LoadSummary

# From the start of the process to the last connection: 1.3 s on two idle cores, for Locust's imports and the bodies.
# Replay time zero should be this far ahead when ``Load`` is entered, or the first messages may be late.
START_LEAD_S = 5.0
START_TIMEOUT_S = 60.0  # the same on a machine whose cores are all busy
STOP_TIMEOUT_S = 10  # for publishes in flight at the end; Locust's default counts what it cuts off as sent
END_TIMEOUT_S = STOP_TIMEOUT_S + 5.0  # and for Locust to print its summary
LOCUSTFILE = Path(__file__).with_name("locustfile.py")


class Load:
    """A context manager: within it the publishers are connected and follow the plan; left early, they are stopped.

    Args:
        plan: What to publish; its ``start_mono_s`` at least ``START_LEAD_S`` ahead, its journal not yet there.
        plan_path: Where the plan file is written, beside the journal for example.
        log_file: Locust's output.
        env: The whole environment of the process, as ``RunScope.environment`` gives it.

    """

    def __init__(self, plan: Plan, *, plan_path: Path, log_file: Path, env: Mapping[str, str]) -> None:
        self.plan = plan
        self._plan_path = plan_path
        self._child = Child("Locust", _argv(), _environment(env, plan_path), log_file, cwd=plan_path.parent)

    def __enter__(self) -> Self:
        """Start the publishers; return when every one of them is connected.

        Raises RunDirectoryError when the journal is already there, PartFailedError when the publishers can't start.
        """
        if self.plan.journal_path.exists():
            raise RunDirectoryError(f"{self.plan.journal_path} is there already; every load needs a journal of its own")
        write_plan(self._plan_path, self.plan)
        self._child.start()
        try:
            wait_for(
                "the publishers to connect",
                self.plan.journal_path.exists,
                timeout_s=START_TIMEOUT_S,
                alive=self._child.death,
            )
        except BaseException:
            self._child.terminate()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.terminate(grace_s=END_TIMEOUT_S)

    @property
    def finished(self) -> bool:
        """Whether the publishers' process has ended; ``wait`` says whether it ended well."""
        return self._child.poll() is not None

    def death(self) -> str | None:
        """Return None while it runs and when it ended well, else how it ended: for ``wait_for``'s ``alive``."""
        return self._child.death() if self._child.poll() else None

    def wait(self, timeout_s: float) -> None:
        """Wait until the schedule is exhausted, or given up at the plan's deadline.

        Raises WaitTimeoutError after ``timeout_s``; PartFailedError when the process ended badly. Messages that
        failed are no such end: the summary counts them.
        """
        self._child.wait(timeout_s)
        if (death := self.death()) is not None:
            raise PartFailedError(f"the load broke off: {death}\nthe whole log is {self._child.log_file}")

    def summary(self) -> LoadSummary:
        """Return what the journal says so far."""
        journal = read_journal(self.plan.journal_path, self.plan.start_mono_s)
        return summarise(self.plan.arrivals, journal.publishes)


def _argv() -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)),
        *("--headless", "--only-summary"),
        *("--stop-timeout", str(STOP_TIMEOUT_S)),
        *("--exit-code-on-error", "0"),  # failed publishes are a result; the journal has them
    )


def _environment(env: Mapping[str, str], plan_path: Path) -> dict[str, str]:
    """Return ``env`` with the plan in it, and without what Locust would take from a user's own settings."""
    kept = {name: value for name, value in env.items() if not name.startswith("LOCUST_")}
    roots = [str(Path(harness.__file__).parents[1]), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        PLAN_VARIABLE: str(plan_path),
        "PYTHONPATH": os.pathsep.join(roots),
        "HOME": str(plan_path.parent),  # Locust reads ~/.locust.conf, and locust.conf where it is started
    }
