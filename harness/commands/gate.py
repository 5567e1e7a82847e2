"""``harness gate``: does this build need more memory than that one? What ``make memory-regression`` runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import options
from harness.commands.gate_options import GateAsked
from harness.commands.output import ConsoleNarrator, results, shown
from harness.commands.remembering import remember_gate
from harness.gate.baseline import FILE, of_repeats, rendered
from harness.gate.metrics import KEPT, PEAK, RATE, SLOPE
from harness.gate.play import Gate
from harness.record.gate import CANDIDATE
from harness.store import write_atomically
from reports.for_machines.gate import render_gate_json, render_gate_junit, render_trend
from reports.pages.gate_markdown import render_gate_markdown
from reports.pages.heap_pages import render_profile_pages
from reports.text.gate import gate_lines

if TYPE_CHECKING:
    from harness.gate.play import GateOrder
    from harness.record.gate import GateReport

Against = Annotated[
    str | None,
    typer.Option(help="Build A is this commit's worker; auto: where this branch left main, else the commit before."),
]
BaselineFile = Annotated[Path | None, typer.Option("--baseline", help="Build A is stored: a file, or a gate's run.")]
WorkerA = Annotated[str | None, typer.Option(help="Build A is this command line.")]
WorkerB = Annotated[str | None, typer.Option(help="Build B is this command line; this tree's worker by default.")]
Effect = Annotated[str, typer.Option(help="A peak that rises by no more is let pass.")]
GrowthEffect = Annotated[str, typer.Option(help="So much more kept at rest, for 1,000 messages, is let pass.")]
SlopeEffect = Annotated[str, typer.Option(help="So much more slope, for 1,000 messages, is let pass.")]
ThroughputEffect = Annotated[str, typer.Option(help="A throughput that falls by no more is let pass.")]
Find = Annotated[str, typer.Option(help="The rise of the peak that must be found with --power.")]
Power = Annotated[float, typer.Option(help="How sure to find it; chooses the number of repeats.")]
Repeats = Annotated[int | None, typer.Option(help="So many repeats of each build, whatever the power.")]
Save = Annotated[Path | None, typer.Option("--save-baseline", help="Write build B's figures as a baseline.")]
NoProfile = Annotated[bool, typer.Option("--no-profile", help="Don't repeat the builds under memray on red.")]
ScenarioName = Annotated[str, typer.Option("--scenario", help="The workload: a scenario with one arm.")]


def gate(
    against: Against = None,
    baseline: BaselineFile = None,
    worker_a: WorkerA = None,
    worker_b: WorkerB = None,
    scenario: ScenarioName = "memory_gate",
    effect: Effect = "3%",
    growth_effect: GrowthEffect = "2.5 MiB",
    slope_effect: SlopeEffect = "10 MiB",
    throughput_effect: ThroughputEffect = "50%",
    find: Find = "5%",
    power: Power = 0.95,
    repeats: Repeats = None,
    save_baseline: Save = None,
    no_profile: NoProfile = False,
    limit: options.LimitKind = "auto",
    runs_dir: options.RunsDir = options.RUNS_DIR,
    as_json: options.Json = False,
) -> int:
    """Compare the memory of two builds of the worker, by repeats in turn. About four minutes.

    Red (exit 1) where peak, memory kept, slope or throughput got worse significantly and by more than its effect.

    \b
    Examples:
      harness gate                                     (this tree against where it left main)
      harness gate --against v1.2 --effect 5% --power 0.99
      harness gate --save-baseline gate.json; harness gate --baseline gate.json
      harness gate --worker-a "python old.py" --worker-b "python new.py"
    """
    asked = GateAsked(
        against,
        baseline,
        worker_a,
        worker_b,
        scenario,
        {PEAK: effect, KEPT: growth_effect, SLOPE: slope_effect, RATE: throughput_effect},
        find,
        power,
        repeats,
        not no_profile,
        limit,
        runs_dir,
    )
    return _played(asked.order(), save_baseline, as_json=as_json)


def _played(order: GateOrder, save_baseline: Path | None, *, as_json: bool) -> int:
    """Play, write, print; return the verdict's exit code."""
    with ConsoleNarrator() as narrator:
        path, report = Gate(order, narrator).run()
    document = _write(path, report, order)
    remember_gate(order.runs_dir, report)
    if save_baseline is not None:
        write_atomically(save_baseline, document)
    if as_json:
        results().print(render_gate_json(report), markup=False, end="")
    else:
        for line in gate_lines(report):
            results().print(line, markup=False)
        results().print(f"report: {shown(path / 'gate.md')}", markup=False)
        results().print(f"VERDICT: {report.verdict.value}", markup=False)
    return report.verdict.exit_code


def _write(path: Path, report: GateReport, order: GateOrder) -> str:
    """Write the gate's files into its run directory; return the candidate's figures as a baseline."""
    for capture in sorted(path.glob("trials/*/memray/*.bin")):
        render_profile_pages(capture, capture.parent)
    repeats = tuple(each for each in report.repeats if each.build == CANDIDATE)
    stored = rendered(of_repeats(report.candidate, order.scenario, repeats, report.machine))
    files = {
        FILE: stored,
        "gate.json": render_gate_json(report),
        "gate-trend.json": render_trend(report),
        "gate.md": render_gate_markdown(report),
        "junit.xml": render_gate_junit(report),
    }
    for name, text in files.items():
        write_atomically(path / name, text)
    return stored
