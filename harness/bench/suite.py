"""All benchmarks, by name, and the run of those that were named: one after another, each in a run scope of its own.

``harness.commands.bench`` uses it. A benchmark whose part breaks is recorded with the sentence in which it broke, and
the next one goes on; an interrupt ends them all. It prints nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.bench import burst_to_kill, dependency, proxy, publisher, sampler
from harness.bench.environment import BenchEnvironment
from harness.bench.figure import BenchResult
from harness.bench.other_work import cpu_clocks, others_share
from harness.environment.run.census import census
from harness.environment.run.run_scope import RunScope
from harness.environment.run.sweep import sweep_dead_runs
from harness.errors import HarnessError, PartFailedError, UsageError
from harness.incidents import DEFAULT, benchmarks_of
from harness.machine import machine_facts, package_versions
from harness.store import create_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.bench.figure import Figure
    from harness.narration import Narrator

BENCHMARKS: Mapping[str, Callable[[BenchEnvironment], tuple[Figure, ...]]] = {
    "burst_to_kill": burst_to_kill.measure,
    "publisher": publisher.measure,
    "dependency": dependency.measure,
    "proxy": proxy.measure,
    "sampler": sampler.measure,
    **benchmarks_of(DEFAULT),
}


@dataclass(frozen=True, slots=True)
class BenchReport:
    """One ``harness bench``: what was measured, on what, and where it left its logs."""

    folder: Path
    started_utc: str  # ISO 8601
    quick: bool
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    results: tuple[BenchResult, ...]

    @property
    def exit_code(self) -> int:
        """0 whatever the figures are; where a part broke, the exit code of the first one's error."""
        return next((result.exit_code for result in self.results if result.error is not None), 0)


def chosen(only: Sequence[str]) -> tuple[str, ...]:
    """Return the benchmarks to run, in their own order: those named, or all. Raises UsageError for another name."""
    for name in only:
        if name not in BENCHMARKS:
            raise UsageError(f"--only {name}: there is no such benchmark; there are: {', '.join(BENCHMARKS)}")
    return tuple(name for name in BENCHMARKS if not only or name in only)


def run_bench(names: Sequence[str], folder: Path, narrator: Narrator, *, quick: bool) -> BenchReport:
    """Run the benchmarks ``names``; logs and the recorded incident go below ``folder``. Raises RunDirectoryError."""
    swept = sweep_dead_runs()
    if swept.runs:
        narrator.milestone(swept.text)
    kept = create_run(folder, "bench")
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    machine = machine_facts() | {"load before": f"{load} (1, 5, 15 min)"}
    results = []
    for name in names:
        narrator.milestone(f"benchmark {name}")
        results.append(_run_one(name, f"{kept.run_id}-{name}", kept.path / name, narrator, quick=quick))
    return BenchReport(kept.path, kept.started_utc, quick, machine, package_versions(), tuple(results))


def _run_one(name: str, run_id: str, folder: Path, narrator: Narrator, *, quick: bool) -> BenchResult:
    folder.mkdir()
    before = cpu_clocks()
    figures: tuple[Figure, ...] = ()
    error: HarnessError | None = None
    try:
        with RunScope(run_id) as scope:
            figures = BENCHMARKS[name](BenchEnvironment(scope, folder, narrator, quick))
        left = census(run_id)
        if not left.clean:
            raise PartFailedError(f"the benchmark left something behind: {left}; the next start sweeps it")
    except HarnessError as broken:
        narrator.milestone(f"benchmark {name} broke: {broken}")
        error = broken
    after = cpu_clocks()
    return BenchResult(
        name,
        took_s=after.mono_s - before.mono_s,
        figures=figures,
        error=None if error is None else str(error),
        exit_code=0 if error is None else error.exit_code,
        others_cpu_share=others_share(before, after),
    )
