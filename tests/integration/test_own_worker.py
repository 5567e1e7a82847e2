"""Bring your own worker: the examples, played as a user plays them, and a worker that can't be started."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.rig.broker import broker
from harness.rig.run_scope import RunScope

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.integration, pytest.mark.incident]

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 240.0


@dataclass(frozen=True)
class Played:
    """How a run ended: the exit status, what was printed, and each check's verdict."""

    status: int
    out: str
    checks: Mapping[str, str]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    """Both examples, small, played at the same time on one broker."""
    folder = tmp_path_factory.mktemp("examples")
    with RunScope("test-own-worker", folder / "state") as scope, broker(scope, folder / "logs") as node:
        on_this_broker = ("--broker-url", node.amqp_url(), "--management-port", str(node.management_port))
        runs = {
            name: subprocess.Popen(
                [
                    *(sys.executable, "-m", "harness", "run", str(CHECKOUT / "examples" / f"{name}.yaml"), "--small"),
                    *("--runs-dir", str(folder / name), *on_this_broker),
                ],
                cwd=folder,  # the commands are found by the scenario file, not by where the harness was started
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name in ("consumer", "leaking_consumer")
        }
        outs = {name: run.communicate(timeout=LIMIT_S)[0] for name, run in runs.items()}
    return {name: Played(runs[name].returncode, outs[name], _checks(folder / name / "latest")) for name in runs}


def _checks(run: Path) -> dict[str, str]:
    verdict = json.loads((run / "verdict.json").read_text())
    return {check["check"]: check["verdict"] for check in verdict["checks"]}


def test_a_consumer_that_keeps_nothing_passes(played: dict[str, Played]) -> None:
    """Guarantees that a program which knows only the environment goes through cage, load, faults and every check."""
    good = played["consumer"]

    assert good.status == 0, good.out
    assert good.checks["messages answered"] == "pass"
    assert set(good.checks.values()) == {"pass"}


def test_a_consumer_that_keeps_failed_calls_is_caught(played: dict[str, Played]) -> None:
    """Guarantees that the leak fails the run by every check of memory, and by no other."""
    leaking = played["leaking_consumer"]

    assert leaking.status == 1, leaking.out
    failed = {name for name, verdict in leaking.checks.items() if verdict == "fail"}
    assert failed == {"memory budget", "memory growth", "memory healthy again"}
    assert leaking.checks["messages answered"] == "pass"


def test_a_command_that_does_not_exist_exits_2(tmp_path: Path) -> None:
    """Guarantees that the arm and the command are named, and that no run directory is made."""
    example = (CHECKOUT / "examples" / "consumer.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(example.replace('"{python}"', "./no-such-worker"))
    argv = [sys.executable, "-m", "harness", "run", "mine.yaml", "--runs-dir", "runs"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert done.returncode == 2, done.stdout + done.stderr
    assert "arms.consumer.worker.command: './no-such-worker' can't be executed" in done.stderr
    assert not (tmp_path / "runs").exists()
