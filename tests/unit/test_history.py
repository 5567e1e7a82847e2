"""The history: results that stay, steps that are really there, and what ``harness history`` says of them."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.commands.history import history
from harness.commands.steps.remembering import remember_gate, remember_run
from harness.errors import RunDirectoryError
from harness.gate.change_points import SIDE_MIN, steps
from harness.record import Judgement, Verdict
from harness.record.history import HistoryRow
from harness.store import run_history
from tests.drill_records import run_of
from tests.unit.gate_reports import RED

ROW = HistoryRow(
    "run-00",
    "2026-01-01T11:42:04+00:00",
    "gate",
    "memory_gate",
    "this tree",
    "0123456789ab",
    dirty=False,
    machine={"cores": "2", "kernel": "6.18"},
    peak_mib=88.5,
    throughput_per_s=40.0,
    verdict="pass",
)


def rows(*peaks: float | None) -> list[HistoryRow]:
    """Return a row for each peak, of one run after another."""
    return [replace(ROW, run_id=f"run-{n:02d}", commit=f"{n:012x}", peak_mib=peak) for n, peak in enumerate(peaks)]


def noisy(*levels: tuple[int, float], seed: int = 1, spread: float = 0.004) -> list[float]:
    """Return so many figures at each level, with the noise that the gate's peaks have."""
    random = np.random.default_rng(seed)
    return [float(level * random.normal(1, spread)) for number, level in levels for _ in range(number)]


class TestStore:
    """A SQLite file in which nothing changes."""

    def test_rows_come_back_as_they_went_in_and_in_order(self, tmp_path: Path) -> None:
        """Guarantees that nothing is lost between a run and its history, a missing figure included."""
        run_history.append(tmp_path, rows(88.0, None))
        run_history.append(tmp_path, [replace(ROW, run_id="run-02", dirty=True)])
        assert run_history.read(tmp_path) == (*rows(88.0, None), replace(ROW, run_id="run-02", dirty=True))

    def test_a_run_is_there_once(self, tmp_path: Path) -> None:
        """Guarantees that appending again neither doubles nor changes what is there."""
        run_history.append(tmp_path, rows(88.0))
        run_history.append(tmp_path, rows(99.0))
        assert [row.peak_mib for row in run_history.read(tmp_path)] == [88.0]

    @pytest.mark.parametrize("statement", ["UPDATE results SET peak_mib = 1", "DELETE FROM results"])
    def test_what_is_on_record_can_be_neither_changed_nor_deleted(self, tmp_path: Path, statement: str) -> None:
        """Guarantees append-only, whoever opens the file."""
        run_history.append(tmp_path, rows(88.0))
        refused = pytest.raises(sqlite3.IntegrityError, match="append-only")
        with closing(sqlite3.connect(tmp_path / run_history.FILE)) as connection, refused:
            connection.execute(statement)

    def test_without_a_history_there_are_no_rows(self, tmp_path: Path) -> None:
        """Guarantees that reading makes no file."""
        assert run_history.read(tmp_path) == ()
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_is_none_is_said_with_the_remedy(self, tmp_path: Path) -> None:
        """Guarantees an error that names the file, for reading and for appending."""
        (tmp_path / run_history.FILE).write_text("not a database, and long enough to be told from an empty one")
        with pytest.raises(RunDirectoryError, match="move it away to begin another"):
            run_history.read(tmp_path)
        with pytest.raises(RunDirectoryError, match="move it away"):
            run_history.append(tmp_path, rows(1.0))


class TestSteps:
    """Change points: found where they are, and nowhere else."""

    def test_a_step_of_three_per_cent_is_found_at_its_commit(self) -> None:
        """Guarantees the position and both levels."""
        (step,) = steps(noisy((12, 88.0), (12, 90.7)))
        assert step.at == 12
        assert step.change == pytest.approx(0.031, abs=0.005)

    def test_two_steps_are_both_found(self) -> None:
        """Guarantees that a regression and its repair are two steps."""
        assert [step.at for step in steps(noisy((10, 88.0), (10, 98.0), (10, 88.0)))] == [10, 20]

    def test_noise_alone_has_hardly_ever_a_step(self) -> None:
        """Guarantees at most 2 of 100 quiet histories with a step in them: the permutation test's 1 %."""
        assert sum(bool(steps(noisy((30, 88.0), seed=seed))) for seed in range(100)) <= 2

    def test_one_wild_run_is_no_step(self) -> None:
        """Guarantees that ranks are not bent by a single figure."""
        assert steps([*noisy((10, 88.0)), 400.0, *noisy((10, 88.0), seed=2)]) == ()

    def test_a_step_too_small_to_matter_is_none(self) -> None:
        """Guarantees that half a per cent, however certain, is not marked."""
        assert steps(noisy((20, 88.0), (20, 88.4), spread=0.0005)) == ()

    def test_too_few_figures_prove_nothing(self) -> None:
        """Guarantees silence below twice the smallest side."""
        assert steps([88.0] * SIDE_MIN + [99.0] * (SIDE_MIN - 1)) == ()
        assert steps([]) == ()


class TestCommand:
    """What ``harness history`` prints and draws."""

    def test_it_prints_every_result_marks_the_step_and_draws(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Guarantees that the commit at which the peak stepped is the line that says so."""
        run_history.append(tmp_path, rows(*noisy((8, 88.0), (8, 98.0))))
        assert history(runs_dir=tmp_path) == 0
        said = capsys.readouterr().out
        (marked,) = [line for line in said.splitlines() if "steps" in line]
        assert f"{8:012x}" in marked
        assert "← peak steps 88" in marked
        assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")

    def test_another_machine_is_another_series(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Guarantees that a faster machine is no improvement: figures of two machines are never compared."""
        elsewhere = [replace(row, run_id=f"{row.run_id}-b", machine={"cores": "8"}) for row in rows(*noisy((8, 98.0)))]
        run_history.append(tmp_path, [*rows(*noisy((8, 88.0))), *elsewhere])
        history(runs_dir=tmp_path, as_json=True)
        document = json.loads(capsys.readouterr().out)
        assert [len(each["rows"]) for each in document] == [8, 8]
        assert all(each["steps"] == {"peak_mib": [], "throughput_per_s": []} for each in document)

    def test_nothing_on_record_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Guarantees an answer before the first run, and for a scenario that was never played."""
        assert history(runs_dir=tmp_path) == 0
        run_history.append(tmp_path, rows(88.0))
        assert history(scenario="other", runs_dir=tmp_path) == 0
        assert capsys.readouterr().out.count("no result is on record") == 2


class TestRemembering:
    """What the verbs that play put on record."""

    def test_a_run_leaves_a_row_for_each_arm(self, tmp_path: Path) -> None:
        """Guarantees commit, dirty flag, figures and verdict of every arm that was judged."""
        figures = {"fixed.peak_mib": 300.0, "fixed.finished_while_hanging_per_s": 0.1}
        run = run_of(versions={"harness": "0123456789ab+changes"})
        remember_run(tmp_path, run, Judgement(Verdict.UNKNOWN, (), metrics=figures))
        found = {row.arm: row for row in run_history.read(tmp_path)}
        assert (found["fixed"].commit, found["fixed"].dirty) == ("0123456789ab", True)
        assert (found["fixed"].peak_mib, found["fixed"].throughput_per_s) == (300.0, 0.1)
        assert found["incident"].peak_mib is None
        assert found["fixed"].verdict == "unknown"
        assert found["fixed"].machine["cores"]

    def test_a_gate_leaves_its_candidates_medians(self, tmp_path: Path) -> None:
        """Guarantees one row for a gate, with its verdict."""
        remember_gate(tmp_path, RED)
        (row,) = run_history.read(tmp_path)
        assert (row.kind, row.verdict, row.arm) == ("gate", "fail", RED.candidate)
        assert row.peak_mib == pytest.approx(98.0, abs=0.1)

    def test_a_history_that_cannot_be_written_is_said_and_no_more(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Guarantees that a broken history changes no verdict."""
        (tmp_path / run_history.FILE).write_text("not a database, and long enough to be told from an empty one")
        remember_gate(tmp_path, RED)
        assert "the history" in capsys.readouterr().err
