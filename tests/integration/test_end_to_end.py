"""The harness as a user runs it: a small incident from command line to report, and every way in which it can end."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from harness.environment.run.census import census
from harness.waiting import wait_for
from tests.harness_command import CHECKOUT, QUICK, Ended, harness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.incident]


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A small incident, played once with both arms."""
    runs_dir = tmp_path_factory.mktemp("runs")
    return harness("run", str(QUICK), "--runs-dir", str(runs_dir), runs_dir=runs_dir)


def test_a_small_incident_reproduces_and_the_fix_holds(passed: Ended) -> None:
    """The last line is the verdict, the exit code agrees, and the kills have all three witnesses."""
    assert passed.status == 0, passed.out + passed.err
    assert passed.out.rstrip().splitlines()[-1] == "VERDICT: pass"
    verdict = json.loads((passed.run / "verdict.json").read_text())
    assert verdict["verdict"] == "pass"
    incarnations = next(arm["incarnations"] for arm in verdict["arms"] if arm["arm"] == "incident")
    assert [incarnation["exit_status"] for incarnation in incarnations] == [137, 137]
    assert all(incarnation["oom_kill_delta"] >= 1 for incarnation in incarnations)


def test_a_run_leaves_its_records_and_nothing_else(passed: Ended) -> None:
    """Every file of the run directory is there, and no process, cgroup, port or file outside it."""
    names = {path.name for path in passed.run.resolve().iterdir()}
    reports = {"verdict.json", "report.html", "report.md", "junit.xml", "charts"}
    assert {"manifest.json", "scenario.json"} | reports <= names
    assert census(passed.run.resolve().name).clean


def test_a_stored_run_is_judged_again_to_the_same_verdict(passed: Ended) -> None:
    """Judging is a function of the run directory."""
    before = (passed.run / "verdict.json").read_text()
    again = harness("check", str(passed.run), runs_dir=passed.run.parent)
    assert again.status == 0
    assert (passed.run / "verdict.json").read_text() == before


def test_a_budget_below_the_peak_turns_the_verdict_red(passed: Ended, tmp_path: Path) -> None:
    """The gate can fail: the same records against a budget of 20 MiB exit 1."""
    copy = tmp_path / "run"
    shutil.copytree(passed.run.resolve(), copy)
    scenario = json.loads((copy / "scenario.json").read_text())
    scenario["arms"]["fixed"]["expect"]["memory_budget"]["peak_at_most"] = "20 MiB"
    (copy / "scenario.json").write_text(json.dumps(scenario))
    assert harness("check", str(copy), runs_dir=tmp_path).status == 1


def test_a_lost_message_turns_the_verdict_red(passed: Ended, tmp_path: Path) -> None:
    """The gate can fail: one row taken out of the database's export is one message lost."""
    copy = tmp_path / "run"
    shutil.copytree(passed.run.resolve(), copy)
    rows = json.loads((copy / "trials" / "fixed" / "outcomes.json").read_text())
    (copy / "trials" / "fixed" / "outcomes.json").write_text(json.dumps(rows[1:]))
    ended = harness("check", str(copy), runs_dir=tmp_path)
    assert ended.status == 1
    assert rows[0]["message_id"] in ended.out


def test_a_message_that_a_run_does_not_know_is_refused_with_the_names_that_come_near(passed: Ended) -> None:
    """Exit 2, naming the id that was meant; so is an arm that the run does not hold."""
    known = json.loads((passed.run / "trials" / "fixed" / "outcomes.json").read_text())[3]["message_id"]

    near = harness("trace", str(passed.run), known[:-1], runs_dir=passed.run.parent)
    stranger = harness("trace", str(passed.run), known, "--arm", "fxied", runs_dir=passed.run.parent)

    assert (near.status, stranger.status) == (2, 2)
    assert known[:-1] in near.err
    assert "did you mean conv-" in near.err
    assert "--arm fxied: the run holds incident, fixed" in stranger.err


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A run whose worker is alive and whose workload has begun."""
    argv = [sys.executable, "-m", "harness", "run", str(QUICK), "--arm", "fixed", "--runs-dir", str(tmp_path)]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        events = tmp_path / "latest" / "trials" / "fixed" / "events.jsonl"
        wait_for(
            "the workload to begin",
            lambda: events.exists() and '"hanging"' in events.read_text(),
            timeout_s=60.0,
            alive=lambda: None if process.poll() is None else "the harness ended before",
        )
        yield process, (tmp_path / "latest").resolve()
        if process.poll() is None:
            process.kill()


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_takes_everything_down_and_keeps_the_partial_run(
    under_way: tuple[subprocess.Popen[str], Path], signum: signal.Signals, status: int
) -> None:
    """Within ten seconds nothing is left; what was recorded until then can be judged (unknown) and reported."""
    process, run = under_way
    began_s = time.monotonic()
    process.send_signal(signum)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == status, out
    assert "everything was taken down" in out
    assert time.monotonic() - began_s < 10
    assert census(run.name).clean
    assert harness("check", str(run), runs_dir=run.parent).status == 3
    assert harness("report", str(run), runs_dir=run.parent).status == 0
