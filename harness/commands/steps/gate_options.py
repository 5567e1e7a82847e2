"""From what was typed after ``harness gate`` to an order: one build A, build B, effects, power. Starts nothing.

A commit of build A is unpacked here; everything that can't be meant, a baseline of another machine among it, is a
UsageError before anything is started.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands.steps.options import check_limit
from harness.errors import UsageError
from harness.fields.quantities import parse_bytes, parse_fraction
from harness.gate import baseline as baselines
from harness.gate import builds
from harness.gate.comparison import REPEATS_MIN
from harness.gate.metrics import METRICS, PEAK
from harness.gate.play import GateOrder
from harness.options import RUNS_DIR
from harness.record import MIB
from harness.record.gate import BASELINE, CANDIDATE
from harness.scenario import find_scenario, load_scenario
from harness.trial.worker_program import check_commands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.gate.baseline import Baseline
    from harness.gate.builds import Build
    from harness.scenario import Arm, Scenario

REPEATS_MAX = 100  # of each build: half an hour
_OPTIONS = {
    "peak": "--effect",
    "kept": "--growth-effect",
    "slope": "--slope-effect",
    "throughput": "--throughput-effect",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOptions:
    """The options of ``harness gate``."""

    against: str | None = None
    baseline: Path | None = None
    worker_a: str | None = None
    worker_b: str | None = None
    scenario: str = "memory_gate"
    effect: str = "3%"
    growth_effect: str = "2.5 MiB"
    slope_effect: str = "10 MiB"
    throughput_effect: str = "50%"
    find: str = "5%"
    power: float = 0.95
    repeats: int | None = None
    save_baseline: Path | None = None
    no_profile: bool = False
    limit: str = "auto"
    runs_dir: Path = RUNS_DIR
    as_json: bool = False

    def order(self) -> GateOrder:
        """Return the order. Raises UsageError, ScenarioError."""
        effects = {metric.name: self._effect(metric.name, relative=metric.relative) for metric in METRICS}
        find = _share("--find", self.find)
        if find <= effects[PEAK]:
            raise UsageError(f"--find {self.find}: a rise within --effect {self.effect} is let pass; ask for more")
        if not 0 < self.power < 1:
            raise UsageError(f"--power {self.power:g}: give a number between 0 and 1, as in 0.95")
        if self.repeats is not None and not REPEATS_MIN <= self.repeats <= REPEATS_MAX:
            raise UsageError(f"--repeats {self.repeats}: give {REPEATS_MIN} to {REPEATS_MAX}")
        check_limit(self.limit)
        scenario = load_scenario(find_scenario(self.scenario))
        template = _only_arm(scenario)
        machine = baselines.facts()
        build_a = self._build_a(template, scenario, machine)
        build_b = (
            builds.this_tree(template, scenario.incident)
            if self.worker_b is None
            else builds.of_command(self.worker_b, "--worker-b")
        )
        arms = {} if isinstance(build_a, baselines.Baseline) else {BASELINE: build_a.arm(template)}
        if template.worker.command is None and self.worker_a is not None and self.worker_b is not None:
            scenario = builds.without_trouble(scenario)
        compared = scenario.model_copy(update={"arms": {**arms, CANDIDATE: build_b.arm(template)}})
        check_commands(compared)
        return GateOrder(
            scenario=compared,
            baseline=build_a,
            candidate=build_b,
            runs_dir=self.runs_dir,
            command=("harness", *sys.argv[1:]),
            machine=machine,
            effects=effects,
            find=find,
            power=self.power,
            repeats=self.repeats,
            profile=not self.no_profile,
            limit=self.limit,
        )

    def _build_a(self, template: Arm, scenario: Scenario, machine: Mapping[str, str]) -> Build | Baseline:
        given = {"--against": self.against, "--baseline": self.baseline, "--worker-a": self.worker_a}
        named = [option for option, value in given.items() if value is not None]
        if len(named) > 1:
            raise UsageError(f"{' and '.join(named)}: build A is one of them; keep one")
        if self.baseline is not None:
            stored = baselines.load_baseline(self.baseline)
            baselines.refuse_another(stored, machine, scenario, REPEATS_MIN)
            return stored
        if self.worker_a is not None:
            return builds.of_command(self.worker_a, "--worker-a")
        return builds.of_commit(
            self.against or builds.AUTO, template, scenario.incident, self.runs_dir.absolute() / "builds"
        )

    def _effect(self, metric: str, *, relative: bool) -> float:
        option = _OPTIONS[metric]
        text: str = getattr(self, option.removeprefix("--").replace("-", "_"))
        return _share(option, text) if relative else _mib(option, text)


def _only_arm(scenario: Scenario) -> Arm:
    if len(scenario.arms) != 1:
        raise UsageError(f"--scenario {scenario.name}: a gate's scenario has one arm, this has {len(scenario.arms)}")
    return next(iter(scenario.arms.values()))


def _share(option: str, text: str) -> float:
    try:
        return parse_fraction(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def _mib(option: str, text: str) -> float:
    try:
        return parse_bytes(text) / MIB
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
