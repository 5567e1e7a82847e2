"""``harness gate``: does this build need more memory than that one? What ``make memory-regression`` runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands.steps import options
from harness.commands.steps.gate_options import GateOptions
from harness.commands.steps.output import ConsoleNarrator, results, shown
from harness.commands.steps.remembering import remember_gate
from harness.gate.baseline import FILE, of_repeats, rendered
from harness.gate.play import Gate
from harness.incidents import heap_rules_of
from harness.record.gate import CANDIDATE
from harness.store import write_atomically
from reports.for_machines.gate import render_gate_json, render_gate_junit, render_trend
from reports.pages.gate_markdown import render_gate_markdown
from reports.pages.heap_pages import render_profile_pages
from reports.text.gate import gate_lines

if TYPE_CHECKING:
    from harness.gate.play import GateOrder
    from harness.record.gate import GateReport

_TYPED: Mapping[str, Any] = MappingProxyType(
    {
        "against": Annotated[
            str | None,
            typer.Option(
                help="Build A is this commit's worker; auto: where this branch left main, else the commit before."
            ),
        ],
        "baseline": Annotated[Path | None, typer.Option(help="Build A is stored: a file, or a gate's run.")],
        "worker_a": Annotated[str | None, typer.Option(help="Build A is this command line.")],
        "worker_b": Annotated[
            str | None, typer.Option(help="Build B is this command line; this tree's worker by default.")
        ],
        "scenario": Annotated[str, typer.Option(help="The workload: a scenario with one arm.")],
        "effect": Annotated[str, typer.Option(help="A peak that rises by no more is let pass.")],
        "growth_effect": Annotated[
            str, typer.Option(help="So much more kept at rest, for 1,000 messages, is let pass.")
        ],
        "slope_effect": Annotated[str, typer.Option(help="So much more slope, for 1,000 messages, is let pass.")],
        "throughput_effect": Annotated[str, typer.Option(help="A throughput that falls by no more is let pass.")],
        "find": Annotated[str, typer.Option(help="The rise of the peak that must be found with --power.")],
        "power": Annotated[float, typer.Option(help="How sure to find it; chooses the number of repeats.")],
        "repeats": Annotated[int | None, typer.Option(help="So many repeats of each build, whatever the power.")],
        "save_baseline": Annotated[Path | None, typer.Option(help="Write build B's metrics as a baseline.")],
        "no_profile": Annotated[
            bool, typer.Option("--no-profile", help="Don't repeat the builds under memray on red.")
        ],
        "limit": options.LimitKind,
        "runs_dir": options.RunsDir,
        "as_json": options.Json,
    }
)


@options.takes(GateOptions, _TYPED)
def gate(options: GateOptions) -> int:
    """Compare the memory of two builds of the worker, by repeats in turn. About four minutes.

    Red (exit 1) where peak, memory kept, slope or throughput got worse significantly and by more than its effect.

    \b
    Examples:
      harness gate                                     (this tree against where it left main)
      harness gate --against v1.2 --effect 5% --power 0.99
      harness gate --save-baseline gate.json; harness gate --baseline gate.json
      harness gate --worker-a "{python} old.py" --worker-b "{python} new.py"
    """
    return _played(options.order(), options.save_baseline, as_json=options.as_json)


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
        render_profile_pages(capture, capture.parent, heap_rules_of(order.scenario.incident))
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
