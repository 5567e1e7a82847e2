"""Random moments at which a run is killed, one in each stage of its incarnation; and what has to hold afterwards.

A moment is a stage, which is seen from outside, and a time after its beginning, drawn from a seed: KILL_SEED in the
environment, else always the same one. The two files of tests whose harness is killed with SIGKILL stand on it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.commands.report import report
from harness.environment.ports import free_port
from harness.environment.run.census import census
from harness.environment.run.sweep import sweep_dead_runs
from harness.errors import PartFailedError, RunDirectoryError
from harness.waiting import pause_until, wait_for
from tests.harness_command import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCENARIO = CHECKOUT / "tests" / "scenarios" / "seconds.yaml"
SEED = int(os.environ.get("KILL_SEED", "1142"))
ARM = "fixed"
_STAGE_TIMEOUT_S = 120.0
_NOTHING_RUNS = ("start", "memory_limit")  # from the broker on a run has processes
_WORKER_RUNS = ("publishing", "aftermath")  # inside its memory limit
_MAY_BE_DOWN = ("drain", "end", "judging")  # how soon all is taken down is the machine's affair

# In the order in which a run passes through them: the file that it has written, a word in it where one is needed, and
# how long the stage lasts on two idle cores, in tenths of a second.
STAGES = {
    "start": ("", "", 6),  # imports, the sweep
    "memory_limit": ("latest", "", 3),
    "broker": ("latest/logs/epmd.log", "", 45),
    "proxy": ("latest/logs/toxiproxy.log", "", 3),
    "trial": (f"latest/trials/{ARM}/logs/dependency.log", "", 60),  # link, pika-mem0, database, worker, publishers
    "publishing": (f"latest/trials/{ARM}/events.jsonl", '"phase": "workload"', 20),
    "aftermath": (f"latest/trials/{ARM}/events.jsonl", '"phase": "aftermath"', 20),
    "drain": ("progress", "draining", 40),  # and what the trial stood on is taken down
    "end": (f"latest/trials/{ARM}/events.jsonl", '"trial_ended"', 20),  # the rig is taken down
    "judging": ("progress", "judging", 15),
}


def delay_s(stage: str, seed: int) -> float:
    """Return how long after the beginning of ``stage`` the run is killed: drawn from the seed, whatever the others."""
    _file, _word, tenths = STAGES[stage]
    return random.Random(f"{seed} {stage}").uniform(0, tenths / 10)


@dataclass(frozen=True)
class Place:
    """Where one test has its runs: a folder for temporary files, which no other test shares, and one for runs."""

    tmp: Path
    runs: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of every process that is started here."""
        return {**os.environ, "TMPDIR": str(self.tmp)}

    @property
    def state_root(self) -> Path:
        """The only thing that may stay in ``tmp``, empty."""
        return self.tmp / f"incident-harness-{os.getuid()}"


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Make a place; whatever a test leaves running there is ended, so that it fails alone."""
    made = Place(folder / "tmp", folder / "runs")
    made.tmp.mkdir()
    made.runs.mkdir()
    try:
        yield made
    finally:
        sweep_dead_runs(made.state_root)
        for process in bearers(made.tmp):
            with suppress(psutil.Error):
                process.kill()


def start(where: Place, *options: str, said_in: str = "progress") -> subprocess.Popen[bytes]:
    """Start a run; what it says goes to ``said_in`` in the folder for runs."""
    argv = [sys.executable, "-m", "harness", "run", str(SCENARIO), "--runs-dir", str(where.runs), *options]
    with (where.runs / said_in).open("wb") as progress:
        return subprocess.Popen(argv, cwd=CHECKOUT, env=where.env, stdout=progress, stderr=subprocess.STDOUT)


def kill_in(stage: str, seed: int, where: Place) -> Path | None:
    """Play a run, SIGKILL it in ``stage``, and return its directory, if it had made one."""
    file, word, _ = STAGES[stage]

    def reached() -> bool:
        seen = where.runs / file
        return seen.exists() and (not word or word in seen.read_text())

    with start(where) as run:
        try:
            wait_for(
                f"the run to reach the stage {stage}",
                reached,
                timeout_s=_STAGE_TIMEOUT_S,
                interval_s=0.01,
                alive=lambda: None if run.poll() is None else (where.runs / "progress").read_text(),
            )
            pause_until(time.monotonic() + delay_s(stage, seed))
        finally:
            run.kill()
    latest = where.runs / "latest"
    return latest.resolve() if latest.exists() else None


def bearers(tmp: Path) -> list[psutil.Process]:
    """Return the processes that were given ``tmp`` for their temporary files: told by that, not by the run's id."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(tmp) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def left_over(where: Place) -> list[str]:
    """Name what is still there that a run should have taken with it: processes, ports, temporary files, half-files."""
    left = []
    for process in bearers(where.tmp):
        with suppress(psutil.Error):
            left.append(f"process {process.pid}: {' '.join(process.cmdline())[:120]}")
            connections = process.net_connections(kind="tcp")
            left += [f"port {each.laddr.port}" for each in connections if each.status == psutil.CONN_LISTEN]
    left += [f"file {path}" for path in where.tmp.rglob("*") if path != where.state_root]
    left += [f"half a file {path}" for pattern in ("*.tmp", ".latest*") for path in where.runs.rglob(pattern)]
    return left


def start_again(where: Place) -> str:
    """Start another run, which sweeps first and ends at once, for want of a broker; return what it said."""
    nowhere = f"amqp://guest:guest@127.0.0.1:{free_port()}/"
    with start(where, "--broker-url", nowhere, "--management-port", str(free_port())) as run:
        status = run.wait(_STAGE_TIMEOUT_S)
    said = (where.runs / "progress").read_text()
    assert status == PartFailedError.exit_code, said
    assert "management API" in said, said
    return said


def killed_and_swept(stage: str, folder: Path) -> None:
    """Kill a run in ``stage`` and start another: nothing of the first may be left, and what it recorded is reported."""
    print(f"KILL_SEED={SEED}: killed {delay_s(stage, SEED):.3f} s after the beginning of {stage!r}")  # noqa: T201
    with place(folder) as where:
        run = kill_in(stage, SEED, where)
        if run is not None and stage not in _NOTHING_RUNS + _MAY_BE_DOWN:
            before = census(run.name, where.state_root)
            assert before.processes, "the kill left nothing that could be swept"
            assert before.cgroups or stage not in _WORKER_RUNS, "the kill left no cgroup that could be swept"

        said = start_again(where)

        assert left_over(where) == []
        if run is not None:
            assert run.name in said or stage in _MAY_BE_DOWN  # it says whom it swept; a rig that is down is no one's
            left = census(run.name, where.state_root)
            assert left.clean, left.text
            _assert_reported(run)
            assert left_over(where) == []


def _assert_reported(run: Path) -> None:
    """A run that had begun to record is reported, and unknown unless it was whole; of another one it is said."""
    if not (run / "manifest.json").exists():
        with pytest.raises(RunDirectoryError, match="ended before it recorded anything"):
            report(run)
        return
    assert report(run) == 0
    events = run / "trials" / ARM / "events.jsonl"
    whole = events.exists() and '"trial_ended"' in events.read_text()
    verdict = json.loads((run / "verdict.json").read_text())["verdict"]
    assert whole or verdict == "unknown"
    assert (run / "report.html").exists()
