"""``harness verify``: every scenario against every arm, and the matrix of what came of it."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.steps import options
from harness.commands.steps.judging import judged
from harness.commands.steps.output import ConsoleNarrator, results, shown
from harness.environment.run.run_scope import RunScope
from harness.environment.run.sweep import sweep_dead_runs
from harness.errors import HarnessError, UsageError
from harness.machine import checkout
from harness.matrix.folder import MatrixFolder, fingerprint_of
from harness.matrix.playing import Job, play_jobs
from harness.matrix.rows import row_of
from harness.record import Matrix, MatrixRow
from harness.scenario import find_scenario, list_scenarios, load_scenario
from harness.store import write_atomically
from reports.pages.matrix import matrix_lines, render_matrix_html, render_matrix_markdown, sentence, totals

if TYPE_CHECKING:
    from harness.narration import Narrator
    from harness.scenario import Scenario

# Scenarios of the incident's own size are played with a tenth of the bytes; the library's others are small already.
_SMALL = ("--small",)
_LARGE_BYTES = 1_000_000


def verify(
    scenario: Annotated[
        list[str] | None, typer.Argument(help="Only these scenarios, by name or file; all else.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only the scenarios marked quick.")] = False,
    full: Annotated[bool, typer.Option("--full", help="At full size, nowhere a tenth of the bytes.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Play all again, also what this tree has played.")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=8, help="Runs side by side; they mostly wait.")] = 3,
    matrix_dir: Annotated[Path, typer.Option(help="Where runs and matrix are kept.")] = Path("runs/matrix"),
    as_json: options.Json = False,
) -> int:
    """Play every scenario against every arm and print the matrix; goes on where it was cut off.

    A run is read again, not played, while neither its scenario nor the source has changed. Any surprise is red: exit 1
    for a failure, 3 for what could not be decided.

    \b
    Examples:
      harness verify
      harness verify --quick
      harness verify link_flapping worker_killed --fresh
      harness verify --json > matrix.json
    """
    wanted = _wanted(tuple(scenario or ()), quick=quick)
    matrix_dir.mkdir(parents=True, exist_ok=True)
    folder = MatrixFolder(matrix_dir.absolute())
    with ConsoleNarrator() as narrator:
        problems = _play(wanted, folder, narrator, full=full, jobs=jobs, fresh=fresh)
        rows = [_row(path, folder, problems, full=full) for path in wanted]
    matrix = Matrix(tuple(rows))
    write_atomically(folder.path / "matrix.html", render_matrix_html(matrix))
    write_atomically(folder.path / "matrix.md", render_matrix_markdown(matrix))
    console = results()
    if as_json:
        document = {"verdict": matrix.verdict.value, "rows": [asdict(row) for row in matrix.rows]}
        console.print(json.dumps(document, indent=2, default=lambda verdict: verdict.value), markup=False)
        return matrix.verdict.exit_code
    for line in [*(line for row in rows for line in matrix_lines(row)), "", sentence(matrix), totals(matrix)]:
        console.print(line, markup=False)
    console.print(f"matrix: {shown(folder.path / 'matrix.html')}", markup=False)
    console.print(f"VERDICT: {matrix.verdict.value}", markup=False)
    return matrix.verdict.exit_code


def _wanted(names: tuple[str, ...], *, quick: bool) -> tuple[Path, ...]:
    paths = tuple(find_scenario(name) for name in names) or list_scenarios()
    wanted = tuple(path for path in paths if not quick or load_scenario(path).quick)
    if not wanted:
        raise UsageError(f"no scenario is left to verify among {', '.join(path.stem for path in paths)}")
    return wanted


def _play(
    wanted: tuple[Path, ...],
    folder: MatrixFolder,
    narrator: Narrator,
    *,
    full: bool,
    jobs: int,
    fresh: bool,
) -> dict[str, str]:
    """Play what is not there yet; return for each run that left no verdict how it ended."""
    sweep_dead_runs()
    problems: dict[str, str] = {}
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-matrix-{secrets.token_hex(2)}"
    loaded = {path.stem: load_scenario(path) for path in wanted}
    prints = {name: fingerprint_of(each, _options(each, full=full)) for name, each in loaded.items()}
    missing = [path for path in wanted if fresh or folder.finished_run(loaded[path.stem], prints[path.stem]) is None]
    narrator.milestone(f"{len(wanted)} scenarios, {len(wanted) - len(missing)} of them played before by this tree")

    def ended(job: Job, status: int) -> None:
        run = (job.folder / "latest").resolve()
        if (run / "verdict.json").exists():
            folder.remember(loaded[job.name], prints[job.name], run)
        else:
            problems[job.name] = f"its run ended with {status} before there was a verdict; see {shown(job.log_file)}"
        narrator.milestone(f"{job.name}: exit {status}")

    todo = []
    for path in sorted(missing, key=lambda path: _length_s(loaded[path.stem]), reverse=True):
        options = _options(loaded[path.stem], full=full)
        log_file = folder.path / "logs" / f"{path.stem}.log"
        todo.append(Job(path.stem, path.absolute(), options, folder.path / path.stem, log_file))
    with RunScope(run_id) as scope:
        play_jobs(todo, scope.environment(), checkout(), jobs, ended)
    return problems


def _length_s(scenario: Scenario) -> float:
    """How long all arms of ``scenario`` may take: the longest is begun first, so that none is waited for alone."""
    spans_s = ((phase.to - phase.from_) / scenario.scale_of(phase) for phase in scenario.timeline)
    return len(scenario.arms) * sum(spans_s)


def _options(scenario: Scenario, *, full: bool) -> tuple[str, ...]:
    return _SMALL if not full and scenario.messages.size_max >= _LARGE_BYTES else ()


def _row(path: Path, folder: MatrixFolder, problems: dict[str, str], *, full: bool) -> MatrixRow:
    """Judge the stored run of a scenario: what is in the matrix is what is on record."""
    scenario: Scenario = load_scenario(path)
    run_path = folder.finished_run(scenario, fingerprint_of(scenario, _options(scenario, full=full)))
    if run_path is None:
        return MatrixRow(scenario.name, scenario.claim, "", (), problems.get(path.stem, "not played"))
    try:
        run, judgement = judged(run_path)
        return row_of(run, judgement, load_scenario(run_path / "scenario.json"), folder.name_of(run_path))
    except HarnessError as error:
        return MatrixRow(scenario.name, scenario.claim, folder.name_of(run_path), (), str(error))
