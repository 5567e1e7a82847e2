"""Plays what the markers of a session ask for, each thing once, and judges it by the marker's budgets.

Used by the plugin's hooks. The judging is ``harness.judging``': a run that could not be measured is unknown, and a
budget is kept only where the verdict is a pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.campaign import Order, run_campaign
from harness.checkers.ends.incarnations import ONE
from harness.checkers.ends.kills import SURVIVED
from harness.errors import HarnessError, UsageError
from harness.judging import judge
from harness.narration import Silence
from harness.pytest_plugin.sites import top_sites
from harness.record import Verdict, profiled
from harness.store import read_run
from harness.trial import TrialPlan

if TYPE_CHECKING:
    from pathlib import Path

    from harness.pytest_plugin.marker import Asked
    from harness.record import CheckResult, TrialRecord

_OF_MEMORY = (SURVIVED.name, ONE.name, "memory budget", "memory growth", "memory back at baseline")


@dataclass
class Bench:
    """What the marked tests of one session share: where runs go, and those that were played."""

    runs_dir: Path
    stored: Path | None  # judge this run; play nothing
    profile: bool
    _played: dict[str, Path] = field(default_factory=dict)
    _profiled: dict[str, str] = field(default_factory=dict)  # as ``_played``: what the repeat under memray named

    def trial(self, asked: Asked) -> TrialRecord:
        """Return the record of the marker's trial, played now unless it was before. Raises HarnessError."""
        run = self._run(asked)
        trial = read_run(run).trial(asked.arm)
        if trial is None:
            raise UsageError(f"{run} holds no arm {asked.arm!r}; choose the run of another arm")
        return trial

    def broken_budget(self, asked: Asked) -> str | None:
        """Return why the budget is not kept, check by check, with the top allocation sites; None where it is kept."""
        run = self._run(asked)
        judgement = judge(read_run(run), asked.scenario)
        if judgement.verdict is Verdict.PASS:
            return None
        wrong = [result for result in judgement.checks if result.verdict is not Verdict.PASS]
        subject = f"the worker of {asked.scenario.name}, arm {asked.arm},"
        heading = f"{subject} does not keep its memory budget: verdict {judgement.verdict.value}"
        said = [heading, *(_line(result) for result in wrong), f"  run: {run}"]
        if any(result.verdict is Verdict.FAIL and result.check in _OF_MEMORY for result in wrong):
            said.append(self._sites(asked, run))
        return "\n".join(said)

    def _run(self, asked: Asked) -> Path:
        if self.stored is not None:
            return self.stored
        if asked.play not in self._played:
            self._played[asked.play] = run_campaign(self._order(asked), Silence())
        return self._played[asked.play]

    def _sites(self, asked: Asked, run: Path) -> str:
        """Name the sites by a capture of the run, else by a repeat under memray; say so where there is neither."""
        found = top_sites(run, asked.arm)
        if found is not None:
            return found
        if self.stored is not None:
            return "  allocation sites: not known; the stored run has no memray capture (play it with --profile)"
        if not self.profile:
            return "  allocation sites: not known; the arm was not repeated under memray (--memory-no-profile)"
        if asked.play not in self._profiled:
            self._profiled[asked.play] = self._repeat_profiled(asked)
        return self._profiled[asked.play]

    def _repeat_profiled(self, asked: Asked) -> str:
        twin = TrialPlan(asked.arm, profiled(asked.arm), asked.scenario, profiled=True)
        try:
            run = run_campaign(self._order(asked), Silence(), schedule=lambda _run: [twin])
        except HarnessError as error:
            return f"  allocation sites: not known; the repeat under memray broke: {error}"
        return top_sites(run, asked.arm) or f"  allocation sites: not known; the repeat {run} left no memray capture"

    def _order(self, asked: Asked) -> Order:
        command = ("harness", "run", asked.scenario.name, "--arm", asked.arm)
        return Order(asked.scenario, self.runs_dir, command)


def _line(result: CheckResult) -> str:
    told = f"  {result.verdict.value.upper():<8} {result.check}: {result.measured}; wanted {result.threshold}"
    return f"{told}. {result.detail}" if result.detail else told
