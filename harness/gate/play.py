"""Plays a gate: repeats of two builds in turn in one environment, as many as the power takes, then the comparison.

``harness.commands.gate`` uses it. A B A B …: a machine that slows down half-way slows both builds. With a stored
baseline only the candidate is played. On red the worse build, and the other where there is one, are repeated once under
memray, to name the allocation sites. It prints nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.campaign import Order, run_campaign
from harness.checkers.preconditions.workload import IN_TIME
from harness.gate import sites
from harness.gate.baseline import Baseline
from harness.gate.comparison import compare
from harness.gate.metrics import METRICS, PEAK, figures_of
from harness.gate.power import PILOT, needed
from harness.judging import judge
from harness.options import Options
from harness.record import RunRecord, Verdict, profiled
from harness.record.gate import BASELINE, CANDIDATE, GateReport, Repeat
from harness.store import read_run
from harness.trial import TrialPlan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.gate.builds import Build
    from harness.narration import Narrator
    from harness.scenario import Scenario


@dataclass(frozen=True, slots=True)
class GateOrder:
    """What is to be compared. Build A is ``baseline``: a build to be played, or a stored one's figures."""

    scenario: Scenario  # with the arms BASELINE and CANDIDATE, or CANDIDATE alone
    baseline: Build | Baseline
    candidate: Build
    runs_dir: Path
    command: tuple[str, ...]
    machine: Mapping[str, str]
    effects: Mapping[str, float] = field(default_factory=dict)
    find: float = 0.05
    power: float = 0.95
    repeats: int | None = None  # None: as many as the power takes
    profile: bool = True
    limit: str = "auto"

    @property
    def stored(self) -> tuple[Repeat, ...]:
        """The repeats of a stored baseline; none where it is played."""
        return self.baseline.repeats if isinstance(self.baseline, Baseline) else ()

    @property
    def peak_effect(self) -> float:
        """The change of the peak that is let pass."""
        return self.effects.get(PEAK, next(metric.effect for metric in METRICS if metric.name == PEAK))


class Gate:
    """One gate under way: which trial comes next follows from those on record."""

    def __init__(self, order: GateOrder, narrator: Narrator) -> None:
        self._order = order
        self._narrator = narrator
        self._why = f"{order.repeats} repeats of each build, as ordered"

    def run(self) -> tuple[Path, GateReport]:
        """Play and compare; return the run directory and the report. Raises HarnessError."""
        order = self._order
        path = run_campaign(
            Order(order.scenario, Options(limit=order.limit, runs_dir=order.runs_dir), order.command),
            self._narrator,
            schedule=self._schedule,
        )
        return path, self._report(path)

    def _schedule(self, run: Path) -> Iterator[TrialPlan]:
        played = 0
        for number in range(1, (self._order.repeats or PILOT) + 1):
            yield from self._round(number)
            played = number
        if self._order.repeats is None:
            found = needed(
                self._repeats(run), effect=self._order.peak_effect, find=self._order.find, power=self._order.power
            )
            self._why = found.text(self._order.find, self._order.power)
            self._narrator.milestone(self._why)
            for number in range(played + 1, found.repeats + 1):
                yield from self._round(number)
        if self._order.profile and self._is_red(run):
            for arm in self._order.scenario.arms:
                yield TrialPlan(arm, profiled(arm), self._order.scenario, profiled=True)

    def _round(self, number: int) -> Iterator[TrialPlan]:
        for arm in self._order.scenario.arms:
            yield TrialPlan(arm, f"{arm}-{number:02d}", self._order.scenario)

    def _repeats(self, run: Path) -> tuple[Repeat, ...]:
        trials = [trial for trial in read_run(run).trials if trial.role != "profiled"]
        return (*self._order.stored, *(Repeat(_build_of(trial.arm), figures_of(trial)) for trial in trials))

    def _is_red(self, run: Path) -> bool:
        comparisons = compare(self._repeats(run), self._order.effects)
        return any(each.verdict is Verdict.FAIL for each in comparisons)

    def _report(self, path: Path) -> GateReport:
        order, run, repeats = self._order, read_run(path), self._repeats(path)
        comparisons = compare(repeats, order.effects)
        verdicts, problems = _problems(run, order.scenario)
        verdict = Verdict.worst([*verdicts, *(each.verdict for each in comparisons)])
        named, note = sites.grown(path) if any(each.verdict is Verdict.FAIL for each in comparisons) else ((), "")
        return GateReport(
            run_id=run.manifest.run_id,
            scenario=order.scenario.name,
            started_utc=run.manifest.started_utc,
            verdict=verdict,
            baseline=order.baseline.label,
            candidate=order.candidate.label,
            comparisons=comparisons,
            repeats=repeats,
            why_repeats=self._why,
            machine=order.machine,
            problems=problems,
            sites=named,
            sites_note=note,
        )


def _problems(run: RunRecord, scenario: Scenario) -> tuple[list[Verdict], tuple[str, ...]]:
    """Judge every repeat by its arm's expectations; return the verdicts and what was wrong, in sentences.

    A fault of the candidate is a failure; one of the baseline says nothing of the candidate, and is unknown. A workload
    that was late on a busy machine is no fault: the worker takes from a backlog, whenever that came to be.
    """
    verdicts: list[Verdict] = []
    problems: list[str] = []
    for trial in run.trials:
        if trial.role == "profiled":
            continue
        build = _build_of(trial.arm)
        alone = scenario.model_copy(update={"arms": {build: scenario.arms[build]}})
        judgement = judge(RunRecord(run.manifest, (replace(trial, arm=build),)), alone)
        wrong = [each for each in judgement.checks if each.verdict is not Verdict.PASS and each.check != IN_TIME.name]
        worst = Verdict.worst([Verdict.PASS, *(each.verdict for each in wrong)])
        verdicts.append(Verdict.UNKNOWN if build == BASELINE and worst is Verdict.FAIL else worst)
        problems += [f"{trial.arm}: {each.check}: {each.measured}; wanted {each.threshold}" for each in wrong]
    return verdicts, tuple(problems)


def _build_of(folder_name: str) -> str:
    return CANDIDATE if folder_name.startswith(CANDIDATE) else BASELINE
