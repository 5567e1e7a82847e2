"""The kill table: what counts as caught, and that every mutant names what there is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from harness.checkers.registry import all_checks, expectable
from harness.matrix.playing import Job
from harness.scenario import load_scenario
from tests.mutants.kill_table import Played, caught, read_verdict, rows
from tests.mutants.mutants import ARM, CHECKOUT, Mutant, all_mutants, scenarios

if TYPE_CHECKING:
    from pathlib import Path

MUTANTS = tuple(all_mutants())
CLAIMS = CHECKOUT / "docs" / "reference" / "claims.md"
KNOWN_CHECKS = {check.name for check in all_checks()}


def test_there_are_at_least_forty() -> None:
    """The issue of a harness that checks nothing is that it is green."""
    assert len(MUTANTS) >= 40


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_says_what_it_breaks_where_and_who_catches_it(mutant: Mutant, tmp_path: Path) -> None:
    """Ground and check exist, the docstring is a sentence, and its scenario is a valid one that starts the mutant."""
    assert mutant.change.endswith(".")
    assert mutant.scenario in scenarios()
    assert mutant.caught_by in KNOWN_CHECKS
    scenario = load_scenario(mutant.write_scenario(tmp_path))
    assert scenario.arms[ARM].env["WORKER_MUTANT"] == mutant.name


def test_every_mutant_is_in_the_table_of_claims_and_nothing_else_is() -> None:
    """Each claim names the mutants that show its check turning red; a renamed one would show nothing."""
    rows = [row.split("|") for row in CLAIMS.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row[-2])}
    assert named == {mutant.name for mutant in MUTANTS}


def test_the_table_of_claims_names_expectations_that_there_are() -> None:
    """A claim that is held by a check of another name is held by none."""
    sections = CLAIMS.read_text(encoding="utf-8").partition("## Five breaks")[0]
    rows = [row.split("|") for row in sections.splitlines() if row.startswith("| ")]
    keys = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[2])} - {
        "apart_at_least",
        "attempt_at_least",
    }
    assert keys <= set(expectable())


@pytest.mark.parametrize(
    ("red", "problem", "outcome"),
    [
        (("memory budget", "workload in time"), "", "caught"),
        (("workload in time",), "", "by accident"),
        ((), "its run ended with 4", "by accident"),
        ((), "", "SURVIVED"),
    ],
)
def test_caught_is_caught_by_the_check_that_was_named(red: tuple[str, ...], problem: str, outcome: str) -> None:
    """Another check's alarm is no proof that the named one works."""
    mutant = Mutant("leaks", "Leaks.", "workload", "memory budget")
    assert caught(mutant, Played("leaks", red, problem)) == outcome


@pytest.mark.parametrize(("red", "good"), [(("memory budget",), True), ((), False)])
def test_a_survivor_turns_the_table(red: tuple[str, ...], good: bool) -> None:
    """One mutant that nobody caught is enough."""
    mutant = Mutant("leaks", "Leaks.", "workload", "memory budget")
    found = {"leaks": Played("leaks", red), "unmutated_workload_1": Played("unmutated_workload_1", ())}
    assert rows([mutant], ["workload"], found)[1] is good


def test_a_false_alarm_turns_the_table() -> None:
    """The whole worker has to pass on the same scenario."""
    lines, good = rows([], ["workload"], {"unmutated_workload_1": Played("unmutated_workload_1", ("alerts",))})
    assert not good
    assert "FALSE ALARM in 1 of 1: unmutated_workload_1: alerts" in lines[0]


def test_one_false_alarm_among_many_repeats_is_named() -> None:
    """Nineteen quiet repeats do not make up for one alarm; each is a run of its own."""
    names = [f"unmutated_workload_{number}" for number in range(1, 21)]
    quiet = {name: Played(name, ()) for name in names}
    assert rows([], ["workload"], quiet, 20) == ([f"{'unmutated':<42} {'workload':<10} no alarm in 20"], True)
    lines, good = rows([], ["workload"], quiet | {names[6]: Played(names[6], ("workload in time",))}, 20)
    assert not good
    assert "FALSE ALARM in 1 of 20: unmutated_workload_7: workload in time" in lines[0]


def test_a_verdict_is_read_where_the_run_left_it(tmp_path: Path) -> None:
    """Unknown is red as well; a run without a verdict is a problem."""
    job = Job("leaks", tmp_path / "leaks.json", (), tmp_path, tmp_path / "leaks.log")
    assert read_verdict(job, 4).problem
    (tmp_path / "latest").mkdir()
    checks = [{"check": name, "verdict": name} for name in ("pass", "fail", "unknown")]
    (tmp_path / "latest" / "verdict.json").write_text(json.dumps({"checks": checks}))
    assert read_verdict(job, 1).red == ("fail", "unknown")
