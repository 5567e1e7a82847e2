"""Workers that nobody here wrote get the right verdict: for each habit a guilty one is red and an innocent one green.

The scenarios and the workers are in ``tests/other_workers``; each scenario is played once, by the command line.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.checkout_files import CHECKOUT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

FOLDER = CHECKOUT / "tests" / "other_workers"
# For each scenario: arm → the checks that must fail, by the part of their detail or measured value that says why.
# An arm without one must pass as a whole.
GUILTY: dict[str, dict[str, dict[str, str]]] = {
    "waiting": {"comes-back-late": {"everything settled": ""}, "vanishes": {"messages answered": "lost"}},
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, list[dict[str, Any]]]]:
    """Return a function that plays a scenario once and returns the checks of each arm."""
    scratch = tmp_path_factory.mktemp("other-workers")
    shutil.copytree(FOLDER, scratch / "workers")  # one of them writes into its folder

    @cache
    def play(name: str) -> dict[str, list[dict[str, Any]]]:
        scenario, runs = scratch / "workers" / f"{name}.yaml", scratch / "runs" / name
        argv = [sys.executable, "-m", "harness", "run", str(scenario), "--runs-dir", str(runs)]
        done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode in (0, 1, 3), done.stdout + done.stderr
        verdict = json.loads((runs / "latest" / "verdict.json").read_text())
        checks: dict[str, list[dict[str, Any]]] = {}
        for check in verdict["checks"]:
            checks.setdefault(check["arm"], []).append(check)
        return checks

    return play


def arms() -> list[tuple[str, str]]:
    """Return (scenario, arm) of every worker."""
    found = []
    for path in sorted(FOLDER / f"{name}.yaml" for name in GUILTY):
        lines = path.read_text().split("arms:\n")[1].splitlines()
        found += [(path.stem, line.strip(" :")) for line in lines if line.startswith("  ") and line[2] != " "]
    return found


@pytest.mark.parametrize(("scenario", "arm"), arms())
def test_the_verdict_on_a_worker_is_the_right_one(
    played: Callable[[str], dict[str, list[dict[str, Any]]]], scenario: str, arm: str
) -> None:
    """Guarantees that each guilty worker fails by the check that is about its habit, and each innocent one passes."""
    checks = played(scenario)[arm]

    said = {check["check"]: f"{check['verdict']}: {check['measured']}; {check['detail']}" for check in checks}
    wanted = GUILTY[scenario].get(arm, {})
    # A worker that stands still, or ends again and again, leaves its queue as it is: what rests on a drain is unknown.
    fine = ("pass", "unknown") if wanted else ("pass",)
    wrong = {name: text for name, text in said.items() if not text.startswith(fine) and name not in wanted}
    assert wrong == {}
    for name, why in wanted.items():
        assert said[name].startswith("fail"), said[name]
        assert why in said[name]


def test_every_guilty_worker_is_played() -> None:
    """Guarantees that an arm which is renamed does not take its expectation with it."""
    assert {(scenario, arm) for scenario, named in GUILTY.items() for arm in named} <= set(arms())
