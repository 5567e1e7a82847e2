"""``harness history``: peak and throughput over the commits that were run here, and where they step."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.steps import options
from harness.commands.steps.output import results, shown
from harness.gate.change_points import steps
from harness.options import RUNS_DIR
from harness.store import run_history, write_atomically
from reports.charts.history import render_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.gate.change_points import Step
    from harness.record.history import HistoryRow

ScenarioName = Annotated[str | None, typer.Option("--scenario", help="Only this scenario's results.")]
Arm = Annotated[str | None, typer.Option("--arm", help="Only this arm's results.")]
Plot = Annotated[Path | None, typer.Option(help="Where the picture goes; history.png beside the runs by default.")]

_METRICS = ("peak_mib", "throughput_per_s")


def history(
    scenario: ScenarioName = None,
    arm: Arm = None,
    plot: Plot = None,
    runs_dir: options.RunsDir = RUNS_DIR,
    as_json: options.Json = False,
) -> int:
    """Print and plot what was measured here, commit by commit, with the steps marked. Exits 0 whatever they are.

    \b
    Examples:
      harness history
      harness history --scenario memory_gate --json
    """
    rows = [row for row in run_history.read(runs_dir) if scenario in (None, row.scenario) and arm in (None, row.arm)]
    series = _series(rows)
    if as_json:
        results().print(json.dumps(_document(series), indent=2, ensure_ascii=False), markup=False)
        return 0
    if not rows:
        results().print(f"no result is on record in {shown(runs_dir / run_history.FILE)}", markup=False)
        return 0
    for key, found in series.items():
        _print(key, found)
    picture = plot or runs_dir / "history.png"
    drawn = {
        f"{name}, {of_arm}": (found, *([step.at for step in _steps(found, metric)] for metric in _METRICS))
        for (name, of_arm, _), found in series.items()
    }
    write_atomically(picture, render_history(drawn))  # type: ignore[arg-type]
    results().print(f"picture: {shown(picture)}", markup=False)
    return 0


def _series(rows: Sequence[HistoryRow]) -> Mapping[tuple[str, str, str], list[HistoryRow]]:
    """Return the rows by what may be compared with what."""
    series: defaultdict[tuple[str, str, str], list[HistoryRow]] = defaultdict(list)
    for row in rows:
        series[row.series].append(row)
    return series


def _steps(rows: Sequence[HistoryRow], metric: str) -> list[Step]:
    """Return where the metric steps, by the positions of all rows; rows without a figure are passed over."""
    at = [number for number, row in enumerate(rows) if getattr(row, metric) is not None]
    found = steps([getattr(rows[number], metric) for number in at])
    return [type(step)(at[step.at], step.before, step.after) for step in found]


def _print(key: tuple[str, str, str], rows: Sequence[HistoryRow]) -> None:
    console = results()
    scenario, arm, machine = key
    console.print(f"\n{scenario}, {arm} ({machine})", markup=False)
    marks: defaultdict[int, list[str]] = defaultdict(list)
    for metric, name in zip(_METRICS, ("peak", "throughput"), strict=True):
        for step in _steps(rows, metric):
            marks[step.at].append(f"← {name} steps {step.before:.4g} → {step.after:.4g} ({step.change:+.1%})")
    for number, row in enumerate(rows):
        commit = row.commit + ("+" if row.dirty else "")
        peak = "–" if row.peak_mib is None else f"{row.peak_mib:.1f} MiB"
        rate = "–" if row.throughput_per_s is None else f"{row.throughput_per_s:.3f}/s"
        line = f"  {row.started_utc[:19]}  {commit:<14} {peak:>11} {rate:>10}  {row.verdict:<8}"
        console.print(" ".join([line, *marks[number]]).rstrip(), markup=False)


def _document(series: Mapping[tuple[str, str, str], Sequence[HistoryRow]]) -> list[dict[str, object]]:
    return [
        {
            "scenario": scenario,
            "arm": arm,
            "machine": machine,
            "rows": [asdict(row) for row in rows],
            "steps": {metric: [asdict(step) for step in _steps(rows, metric)] for metric in _METRICS},
        }
        for (scenario, arm, machine), rows in series.items()
    ]
