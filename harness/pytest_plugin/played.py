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
from harness.options import Options
from harness.pytest_plugin.sites import top_sites
from harness.record import Verdict, profiled
from harness.store import read_run
from harness.trial import TrialPlan

if TYPE_CHECKING:
    from pathlib import Path

    from harness.pytest_plugin.marker import MarkedBudget
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

    def trial(self, budget: MarkedBudget) -> TrialRecord:
        """Return the record of the marker's trial, played now unless it was before. Raises HarnessError."""
        run = self._run(budget)
        trial = read_run(run).trial(budget.arm)
        if trial is None:
            raise UsageError(f"{run} holds no arm {budget.arm!r}; choose the run of another arm")
        return trial

    def broken_budget(self, budget: MarkedBudget) -> str | None:
        """Return why the budget is not kept, check by check, with the top allocation sites; None where it is kept."""
        run = self._run(budget)
        judgement = judge(read_run(run), budget.scenario)
        if judgement.verdict is Verdict.PASS:
            return None
        wrong = [result for result in judgement.checks if result.verdict is not Verdict.PASS]
        subject = f"the worker of {budget.scenario.name}, arm {budget.arm},"
        heading = f"{subject} does not keep its memory budget: verdict {judgement.verdict.value}"
        lines = [heading, *(_line(result) for result in wrong), f"  run: {run}"]
        if any(result.verdict is Verdict.FAIL and result.check in _OF_MEMORY for result in wrong):
            lines.append(self._sites(budget, run))
        return "\n".join(lines)

    def _run(self, budget: MarkedBudget) -> Path:
        if self.stored is not None:
            return self.stored
        if budget.play not in self._played:
            self._played[budget.play] = run_campaign(self._order(budget), Silence())
        return self._played[budget.play]

    def _sites(self, budget: MarkedBudget, run: Path) -> str:
        """Name the sites by a capture of the run, else by a repeat under memray; say so where there is neither."""
        found = top_sites(run, budget.arm)
        if found is not None:
            return found
        if self.stored is not None:
            return "  allocation sites: not known; the stored run has no memray capture (play it with --profile)"
        if not self.profile:
            return "  allocation sites: not known; the arm was not repeated under memray (--memory-no-profile)"
        if budget.play not in self._profiled:
            self._profiled[budget.play] = self._repeat_profiled(budget)
        return self._profiled[budget.play]

    def _repeat_profiled(self, budget: MarkedBudget) -> str:
        twin = TrialPlan(budget.arm, profiled(budget.arm), budget.scenario, profiled=True)
        try:
            run = run_campaign(self._order(budget), Silence(), schedule=lambda _run: [twin])
        except HarnessError as error:
            return f"  allocation sites: not known; the repeat under memray broke: {error}"
        return top_sites(run, budget.arm) or f"  allocation sites: not known; the repeat {run} left no memray capture"

    def _order(self, budget: MarkedBudget) -> Order:
        command = ("harness", "run", budget.scenario.name, "--arm", budget.arm)
        return Order(budget.scenario, Options(runs_dir=self.runs_dir), command)


def _line(result: CheckResult) -> str:
    line = f"  {result.verdict.value.upper():<8} {result.check}: {result.measured}; wanted {result.threshold}"
    return f"{line}. {result.detail}" if result.detail else line
