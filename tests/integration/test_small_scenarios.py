"""Small scenarios, played as a user plays them: workers that are not ours, and load that goes through the ingress."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.environment.broker.broker import Broker, broker
from harness.environment.run.run_scope import RunScope

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.integration, pytest.mark.incident]

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 240.0
SMALL = {"examples/consumer.yaml": ("--small",), "examples/leaking_consumer.yaml": ("--small",)}


@dataclass(frozen=True)
class Played:
    """How a run ended: the exit status, what was printed, and each check's verdict."""

    status: int
    out: str
    checks: Mapping[str, str]
    run: Path


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    """All of them, small, on one broker: both examples at the same time, then the load through the ingress."""
    folder = tmp_path_factory.mktemp("scenarios")
    with RunScope("test-small-scenarios", folder / "state") as scope, broker(scope, folder / "logs") as node:
        return {
            **_play(folder, node, "examples/consumer.yaml", "examples/leaking_consumer.yaml"),
            **_play(folder, node, "tests/scenarios/through_the_api.yaml"),
        }


def _play(folder: Path, node: Broker, *paths: str) -> dict[str, Played]:
    """Play these scenarios side by side, and return how each ended, by its name."""
    runs_dirs = {path: folder / Path(path).stem for path in paths}
    runs = {
        path: subprocess.Popen(
            [
                *(sys.executable, "-m", "harness", "run", str(CHECKOUT / path), *SMALL.get(path, ())),
                *("--runs-dir", str(runs_dir)),
                *("--broker-url", node.amqp_url(), "--management-port", str(node.management_port)),
            ],
            cwd=folder,  # a command is found by its scenario file, not by where the harness was started
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for path, runs_dir in runs_dirs.items()
    }
    outs = {path: run.communicate(timeout=LIMIT_S)[0] for path, run in runs.items()}
    return {
        runs_dir.name: Played(runs[path].returncode, outs[path], _checks(runs_dir / "latest"), runs_dir / "latest")
        for path, runs_dir in runs_dirs.items()
    }


def _checks(run: Path) -> dict[str, str]:
    verdict = json.loads((run / "verdict.json").read_text())
    return {check["check"]: check["verdict"] for check in verdict["checks"]}


def test_a_consumer_that_keeps_nothing_passes(played: dict[str, Played]) -> None:
    """Guarantees that a program which knows only the environment goes through limit, load, faults and every check."""
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


def test_load_through_the_ingress_passes(played: dict[str, Played]) -> None:
    """Guarantees that the scenario's ``load.via`` changes the way, and nothing of what is recorded and judged."""
    through = played["through_the_api"]

    # How late the machine makes the workload is no property of the way that it takes.
    judged = {name: verdict for name, verdict in through.checks.items() if name != "workload in time"}
    assert judged["messages accounted for"] == "pass", through.out
    assert set(judged.values()) == {"pass"}, through.out
    trial = through.run / "trials" / "fixed"
    assert "ingress_connected" in (trial / "logs" / "ingress.log").read_text()
    assert len((trial / "publishes.jsonl").read_text().splitlines()) == 2 * 60


def test_the_last_seconds_of_a_worker_that_is_not_ours_can_be_read(played: dict[str, Played]) -> None:
    """Guarantees a post-mortem of a program without a recorder: memory by kind, the broker, and py-spy's stacks."""
    argv = [sys.executable, "-m", "harness", "postmortem", str(played["leaking_consumer"].run), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=True)

    found = json.loads(done.stdout)
    assert dict(found["memory"])["anon"] > 0
    assert found["rows"][-1]["rss_bytes"] > 0
    assert found["rows"][-1]["broker_ready"] is not None
    assert any("leaking_consumer.py" in frame for group in found["stacks"] for frame in group["frames"])
    assert found["notes"] == ["the worker has no flight recorder: what only it can know is missing"]


def test_a_command_that_does_not_exist_exits_2(tmp_path: Path) -> None:
    """Guarantees that the arm and the command are named, and that no run directory is made."""
    example = (CHECKOUT / "examples" / "consumer.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(example.replace('"{python}"', "./no-such-worker"))
    argv = [sys.executable, "-m", "harness", "run", "mine.yaml", "--runs-dir", "runs"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert done.returncode == 2, done.stdout + done.stderr
    assert "arms.consumer.worker.command: './no-such-worker' can't be executed" in done.stderr
    assert not (tmp_path / "runs").exists()
