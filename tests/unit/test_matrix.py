"""The matrix of scenarios and arms: its rows, its folder, its pages, and the runs that it plays."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.checkers.registry import preconditions as made_anyway
from harness.errors import RunDirectoryError
from harness.matrix.folder import MatrixFolder, fingerprint_of
from harness.matrix.playing import Job, play_jobs
from harness.matrix.rows import row_of
from harness.record import CheckResult, Judgement, Matrix, MatrixCell, MatrixRow, Verdict
from harness.scenario import find_scenario, load_scenario
from reports.pages.matrix import matrix_lines, render_matrix_html, render_matrix_markdown, sentence, totals
from tests.unit import reports_records

if TYPE_CHECKING:
    from pathlib import Path

    from harness.scenario import Scenario

LIMIT_S = 60.0


def cell(arm: str, verdict: Verdict = Verdict.PASS, **more: int | None) -> MatrixCell:
    """One arm, of the role that its name has in the library."""
    role = {"incident": "before", "fixed": "after"}.get(arm, "reported")
    counts = {"confirmed": 10, "lost": 0, "duplicated": 0, **more}
    return MatrixCell(arm, role, "never killed", verdict, "one incarnation", **counts)  # type: ignore[arg-type]


def row(name: str, *cells: MatrixCell, problem: str = "") -> MatrixRow:
    """One scenario."""
    return MatrixRow(name, f"{name} claims something", f"{name}/run" if cells else "", cells, problem)


@pytest.fixture
def scenario() -> Scenario:
    """The incident."""
    return load_scenario(find_scenario("incident_1142"))


def judgement(*results: CheckResult) -> Judgement:
    """What judging gave, with figures of one arm."""
    return Judgement(Verdict.worst(each.verdict for each in results), results, metrics={"fixed.confirmed": 940.0})


def check(name: str, verdict: Verdict, measured: str, arm: str = "fixed") -> CheckResult:
    """One check of one arm."""
    return CheckResult(name, arm, verdict, measured, "a threshold")


def test_a_cell_shows_what_the_first_expectation_of_its_own_measured(scenario: Scenario) -> None:
    """What every arm is put through is judged and not shown; to have lived is shown where nothing more was expected."""
    preconditions = check(made_anyway()[0].name, Verdict.PASS, "whole")
    told = judgement(
        preconditions, check("never killed", Verdict.PASS, "one incarnation"), check("memory", Verdict.PASS, "1 MiB")
    )
    found = next(each for each in row_of(reports_records.run(), told, scenario, "here").cells if each.arm == "fixed")
    assert (found.expected, found.figure, found.verdict) == ("never killed, memory", "1 MiB", Verdict.PASS)
    assert (found.confirmed, found.lost) == (940, None)
    told = judgement(preconditions, check("never killed", Verdict.PASS, "one incarnation"))
    found = next(each for each in row_of(reports_records.run(), told, scenario, "here").cells if each.arm == "fixed")
    assert found.figure == "one incarnation"


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN])
def test_a_cell_that_is_not_green_shows_what_stands_in_its_way(scenario: Scenario, verdict: Verdict) -> None:
    """Preconditions count: a workload that came late makes the cell unknown, and is what the cell shows."""
    name = made_anyway()[0].name
    told = judgement(check(name, verdict, "late"), check("never killed", Verdict.PASS, "one incarnation"))
    found = next(each for each in row_of(reports_records.run(), told, scenario, "here").cells if each.arm == "fixed")
    assert (found.figure, found.verdict) == (f"{name}: late", verdict)


def test_an_arm_that_was_not_judged_is_unknown(scenario: Scenario) -> None:
    """A cell is never greener than its record."""
    found = row_of(reports_records.run(), judgement(), scenario, "here")
    assert found.verdict is Verdict.UNKNOWN


def test_one_surprise_turns_the_matrix(scenario: Scenario) -> None:
    """Fail beats unknown beats pass, and the sentence names where."""
    assert scenario.name
    green = Matrix((row("a", cell("fixed")),))
    assert (green.verdict, sentence(green)) == (
        Verdict.PASS,
        "All 1 arms of 1 scenarios did what was expected of them.",
    )
    red = Matrix((*green.rows, row("b", cell("incident", Verdict.UNKNOWN), cell("fixed", Verdict.FAIL))))
    assert (red.verdict, sentence(red)) == (Verdict.FAIL, "2 of 3 arms surprised: b/incident, b/fixed.")


def test_a_scenario_that_left_no_verdict_is_a_surprise() -> None:
    """A run that broke is in the matrix, with the way to its log."""
    matrix = Matrix((row("a", cell("fixed")), row("b", problem="its run ended with 4")))
    assert matrix.verdict is Verdict.UNKNOWN
    assert "b" in sentence(matrix)
    assert "its run ended with 4" in matrix_lines(matrix.rows[1])[0]
    assert "its run ended with 4" in render_matrix_html(matrix)
    assert "its run ended with 4" in render_matrix_markdown(matrix)


def test_the_totals_are_those_of_the_arms_that_have_to_hold() -> None:
    """Messages of arms that are meant to fail do not count; an arm without a ledger is said."""
    matrix = Matrix(
        (row("a", cell("incident", lost=7), cell("fixed", confirmed=1500)), row("b", cell("fixed", lost=None)))
    )
    assert totals(matrix) == (
        "1,510 messages confirmed, 0 lost, 0 side effects duplicated in the fixed arms; 1 arms have no ledger."
    )


def test_the_pages_escape_what_a_run_recorded() -> None:
    """A measured text can't become markup."""
    evil = replace(cell("fixed"), figure="<script>alert(1)</script>")
    page = render_matrix_html(Matrix((row("a", evil),)))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_run_is_read_again_until_something_changes(tmp_path: Path, scenario: Scenario) -> None:
    """The same scenario, options and source: not played again. Another option, or a run without a verdict: played."""
    folder = MatrixFolder(tmp_path)
    fingerprint = fingerprint_of(scenario, ("--small",))
    assert folder.finished_run(scenario, fingerprint) is None
    run = tmp_path / scenario.name / "20260101T114204Z"
    run.mkdir(parents=True)
    folder.remember(scenario, fingerprint, run)
    assert folder.finished_run(scenario, fingerprint) is None, "no verdict yet"
    (run / "verdict.json").write_text("{}")
    assert folder.finished_run(scenario, fingerprint) == run
    assert folder.finished_run(scenario, fingerprint_of(scenario, ())) is None
    assert folder.finished_run(scenario, fingerprint_of(scenario.model_copy(update={"seed": 7}), ("--small",))) is None


def test_a_state_that_is_none_is_refused_with_the_remedy(tmp_path: Path, scenario: Scenario) -> None:
    """The message names the file and what to do."""
    (tmp_path / "matrix-state.json").write_text("[1]")
    with pytest.raises(RunDirectoryError, match=r"matrix-state\.json is no matrix state .* --fresh"):
        MatrixFolder(tmp_path).finished_run(scenario, "x")


class Scripted(Job):
    """A run that is a line of Python."""

    @property
    def argv(self) -> tuple[str, ...]:
        """The script stands where the options are."""
        return (sys.executable, "-c", self.options[0])


def scripted(tmp_path: Path, name: str, script: str) -> Job:
    """A job that does ``script``."""
    return Scripted(name, tmp_path / "none.yaml", (script,), tmp_path, tmp_path / f"{name}.log")


def test_runs_are_played_side_by_side_and_each_end_is_told(tmp_path: Path) -> None:
    """Two runs that wait for one another end only when both are at work; exit statuses are passed on."""
    meet = (
        "import pathlib, time\n"
        "here = pathlib.Path({folder!r})\n"
        "(here / {mine!r}).touch()\n"
        "while not (here / {other!r}).exists(): time.sleep(0.01)\n"
        "raise SystemExit({status})"
    )
    first = meet.format(folder=str(tmp_path), mine="a", other="b", status=0)
    second = meet.format(folder=str(tmp_path), mine="b", other="a", status=3)
    told: dict[str, int] = {}
    jobs = [scripted(tmp_path, "first", first), scripted(tmp_path, "second", second)]
    play_jobs(jobs, dict(os.environ), tmp_path, 2, lambda job, status: told.update({job.name: status}))
    assert told == {"first": 0, "second": 3}


def test_an_interruption_ends_the_runs_at_work(tmp_path: Path) -> None:
    """Whatever ends the matrix ends its runs, by SIGTERM, so that they take their own parts down."""
    wait = (
        "import pathlib, signal, sys\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(tmp_path)!r}, 'told').touch(), sys.exit(0)))\n"
        f"pathlib.Path({str(tmp_path)!r}, 'up').touch()\n"
        "signal.pause()"
    )
    quick = f"import pathlib, time\nwhile not pathlib.Path({str(tmp_path)!r}, 'up').exists(): time.sleep(0.01)"

    def interrupted(_job: Job, _status: int) -> None:
        raise KeyboardInterrupt

    jobs = [scripted(tmp_path, "long", wait), scripted(tmp_path, "short", quick)]
    with pytest.raises(KeyboardInterrupt):
        play_jobs(jobs, dict(os.environ), tmp_path, 2, interrupted)
    assert (tmp_path / "told").exists()
