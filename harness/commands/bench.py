"""``harness bench``: what the harness itself costs, measured in one run; what ``make bench`` runs.

A missed aim is printed, and fails nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from harness.bench.document import render_bench_json
from harness.bench.suite import chosen, run_bench
from harness.bench.table import HEADER, machine_line, other_work_line, plain_table, rows
from harness.commands.steps import options
from harness.commands.steps.output import ConsoleNarrator, results
from harness.options import RUNS_DIR
from harness.store import write_atomically

if TYPE_CHECKING:
    from harness.bench.suite import BenchReport

Only = Annotated[list[str] | None, typer.Option("--only", help="Run only this benchmark; may be given more than once.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer messages: to try the bench out; the figures are noisier.")]


def bench(
    only: Only = None,
    quick: Quick = False,
    runs_dir: options.RunsDir = RUNS_DIR,
    as_json: options.Json = False,
) -> int:
    """Measure what the harness itself costs, as figures and as ratios against a bare counterpart. Under five minutes.

    Benchmarks: burst_to_kill, publisher, dependency, proxy, sampler, collector_price. Exit 0 whatever the figures are,
    unless a part broke.

    \b
    Examples:
      harness bench
      harness bench --only publisher --only proxy --quick
      harness bench --json > bench.json
    """
    names = chosen(only or ())
    with ConsoleNarrator() as narrator:
        report = run_bench(names, runs_dir.absolute() / "bench", narrator, quick=quick)
    document = render_bench_json(report)
    write_atomically(report.folder / "bench.json", document)
    if as_json:
        results().print(document, markup=False, end="")
    else:
        _print_table(report)
    return report.exit_code


def _print_table(report: BenchReport) -> None:
    """Print a drawn table where somebody watches, aligned text elsewhere; and what it was measured on."""
    console = results()
    if console.is_terminal:
        console.print(_drawn(report), soft_wrap=False)
    else:
        console.print(plain_table(report.results), markup=False)
    console.print(f"measured on: {machine_line(report.machine)}", markup=False)
    console.print(other_work_line(report.results), markup=False)
    if report.quick:
        console.print("quick: fewer messages than the figures of docs/reference/benchmarks.md", markup=False)
    console.print(f"logs and bench.json: {report.folder}", markup=False)


def _drawn(report: BenchReport) -> Table:
    table = Table(*HEADER)
    for row in rows(report.results):
        table.add_row(*row)
    return table
