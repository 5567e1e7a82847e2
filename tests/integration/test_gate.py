"""Memory assertions on real workers: one that breaks its budget in pytest, a hungrier one that turns the gate red."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.gate import baseline as baselines
from harness.gate.metrics import figures_of
from harness.record.gate import BASELINE, Repeat
from harness.scenario import load_scenario
from harness.store import read_run

if TYPE_CHECKING:
    from harness.record import TrialRecord

pytestmark = [pytest.mark.integration, pytest.mark.incident]

ROOT = Path(__file__).resolve().parents[2]
QUICK = ROOT / "tests" / "scenarios" / "quick_gate.yaml"
MUTANT = ROOT / "tests" / "mutants" / "hungry_worker.py"
TIMEOUT_S = 240.0
SPREAD = 0.005  # of a repeat's figures: more than docs/explanation/memory-gate.md measured


def played(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the harness to its end."""
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], TrialRecord]:
    """A team's suite with two budgets on the fixed worker, neither of which can be kept; and the trial it played."""
    folder = tmp_path_factory.mktemp("suite")
    mark = "@pytest.mark.memory_budget({!r}, scenario={!r})\ndef test_{}():\n    pass\n"
    tests = [mark.format(budget, str(QUICK), name) for budget, name in (("20 MiB", "small"), ("30 MiB", "larger"))]
    (folder / "test_budgets.py").write_text("\n".join(["import pytest", *tests]))
    options = ["-p", "harness.pytest_plugin", "-p", "no:cacheprovider", "--memory-no-profile", "--rootdir", str(folder)]
    runs = folder / "runs"
    argv = [sys.executable, "-m", "pytest", *options, "--memory-runs-dir", str(runs), str(folder)]
    done = played(*argv)
    trial = read_run(runs / "latest").trial("fixed")
    assert trial is not None, done.stdout + done.stderr
    return done, trial


def test_a_teams_suite_holds_the_real_worker_to_its_budget(
    fixed: tuple[subprocess.CompletedProcess[str], TrialRecord],
) -> None:
    """Guarantees the plugin end to end: each budget judged, by its own threshold, on the one run for both tests."""
    done, _ = fixed
    assert "2 failed" in done.stdout, done.stdout + done.stderr
    # A set: where CI is set, pytest's summary tells each failure a second time.
    assert len(set(re.findall(r"FAIL +memory budget: peak.*", done.stdout))) == 2, done.stdout
    assert all(f"wanted working set at most {budget} MiB" in done.stdout for budget in (20, 30))
    assert len({line for line in done.stdout.splitlines() if line.startswith("  run: ")}) == 1


def test_one_more_copy_of_the_body_turns_the_gate_red_and_is_named(
    fixed: tuple[subprocess.CompletedProcess[str], TrialRecord], tmp_path: Path
) -> None:
    """Guarantees that the gate finds what it is for: exit 1, the peak red, the line that holds the copy named.

    The baseline is one real repeat of the fixed worker with the spread of many.
    """
    figures = figures_of(fixed[1])
    repeats = [
        Repeat(BASELINE, {name: value * factor for name, value in figures.items()})
        for factor in (1 - SPREAD, 1.0, 1 + SPREAD)
    ]
    stored = baselines.of_repeats("the fixed worker", load_scenario(QUICK), repeats, baselines.facts())
    (tmp_path / "baseline.json").write_text(baselines.rendered(stored))
    mutant = f"{sys.executable} {MUTANT} copy --preset fixed"
    # Ten messages say nothing of growth or throughput: only the peak is to be red.
    wide = ["--growth-effect", "10000 MiB", "--slope-effect", "10000 MiB", "--throughput-effect", "99%"]
    argv = ["--scenario", str(QUICK), "--baseline", str(tmp_path / "baseline.json"), "--worker-b", mutant, *wide]
    done = played(
        sys.executable, "-m", "harness", "gate", *argv, "--repeats", "3", "--runs-dir", str(tmp_path / "runs")
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("VERDICT: fail")
    run = tmp_path / "runs" / "latest"
    report = json.loads((run / "gate.json").read_text())
    assert [each["metric"] for each in report["comparisons"] if each["verdict"] == "fail"] == ["peak"]
    assert any("hungry_worker.py" in site and "process" in site for site in report["sites"]), report["sites"]
    assert "❌ fail" in (run / "gate.md").read_text()
    assert "<failure" in (run / "junit.xml").read_text()
