"""What a killed harness leaves is ended by the next start; what incarnations is left alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from harness.environment.memory_limit import choose_memory_limits
from harness.environment.run.census import census, find_cgroups, find_processes
from harness.environment.run.run_scope import RunScope
from harness.environment.run.sweep import sweep_dead_runs
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

LIMIT_S = 30.0
LIMIT_BYTES = 64 * 2**20
CHECKOUT = Path(__file__).resolve().parents[2]
# A harness in small: a scope, and a part in a session of its own, with a port and a child in yet another session.
PART = (
    "import socket, subprocess, sys, threading;"
    "listener = socket.create_server(('127.0.0.1', 0));"
    "subprocess.Popen(['sleep', '600'], start_new_session=True);"
    "threading.Event().wait(600)"
)
HARNESS = f"""
import sys, threading
from pathlib import Path
from harness.environment.process import Child
from harness.environment.run.run_scope import RunScope
with RunScope(sys.argv[1], Path(sys.argv[2])) as scope:
    (scope.tmp / "data").write_text("x")
    with Child("part", [sys.executable, "-c", {PART!r}], scope.environment(), scope.tmp / "part.log"):
        threading.Event().wait(600)
"""


def test_a_killed_harness_leaves_a_clean_census_after_the_next_sweep(tmp_path: Path) -> None:
    """Killed with -9 it leaves processes in sessions of their own, a port and files; the sweep ends them all."""
    root = tmp_path / "state"
    with small_harness("swept-run", root) as harness:
        before = census("swept-run", root)
        assert len(before.processes) == 2
        assert len(before.ports) == 1
        assert root / "swept-run" / "tmp" / "data" in before.files
        harness.kill()
        harness.wait(LIMIT_S)
        assert len(census("swept-run", root).processes) == 2

        report = sweep_dead_runs(root)

    (run,) = report.runs
    assert (run.run_id, len(run.processes), report.clean) == ("swept-run", 2, True)
    assert "swept dead run swept-run: ended 2 processes" in report.text
    assert census("swept-run", root).clean, census("swept-run", root).text


def test_a_live_run_is_left_alone(tmp_path: Path) -> None:
    """Two runs at once do not disturb each other, whoever sweeps."""
    root = tmp_path / "state"
    with small_harness("dead-run", root) as dead, small_harness("live-run", root) as live:
        before = census("live-run", root)
        dead.kill()
        dead.wait(LIMIT_S)
        assert [run.run_id for run in sweep_dead_runs(root).runs] == ["dead-run"]
        assert live.poll() is None
        assert census("live-run", root) == before
        assert sweep_dead_runs(root).runs == ()


def test_a_run_id_that_begins_like_another_is_another(tmp_path: Path) -> None:
    """Neither processes nor cgroups of ``run-10`` belong to ``run-1``."""
    with RunScope("run-10", tmp_path / "state") as scope, carrier(scope) as pid:
        assert [seen.pid for seen in find_processes("run-10")] == [pid]
        assert find_processes("run-1") == ()


def test_we_and_our_ancestors_are_never_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that was itself started with a run id in its environment does not end itself."""
    script = "from harness.environment.run.census import find_processes; print(find_processes('own-run'))"
    monkeypatch.setenv("HARNESS_RUN_ID", "own-run")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=LIMIT_S
    )
    assert done.stdout.strip() == "()"


def test_a_folder_without_a_lock_is_a_dead_runs(tmp_path: Path) -> None:
    """Killed between making the folder and its lock, a run is dead like any other."""
    folder = tmp_path / "state" / "half-made"
    folder.mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    assert [run.run_id for run in sweep_dead_runs(tmp_path / "state").runs] == ["half-made"]
    assert not folder.exists()


def test_without_any_run_there_is_nothing_to_sweep(tmp_path: Path) -> None:
    """The first start on a machine finds no folder, and makes none."""
    report = sweep_dead_runs(tmp_path / "state")
    assert (report.runs, report.clean, report.text) == ((), True, "")
    assert not (tmp_path / "state").exists()


def test_a_run_that_leaves_a_process_keeps_its_folder_for_the_sweep(tmp_path: Path) -> None:
    """A part that its own harness did not end is found by the next one."""
    root = tmp_path / "state"
    with carrier(RunScope("leaky-run", root)) as pid:
        with RunScope("leaky-run", root):
            pass
        assert not census("leaky-run", root).clean
        assert str(pid) in census("leaky-run", root).text
        sweep_dead_runs(root)
        assert census("leaky-run", root).clean


def test_memory_cgroups_of_a_dead_run_are_removed_with_what_is_in_them(tmp_path: Path) -> None:
    """Whatever environment their processes carry; those of a live run stay."""
    memory_limits = choose_memory_limits("caged-run")
    assert memory_limits.parent is not None, (
        f"no memory cgroup can be made here ({memory_limits.why_emulated}): run as root"
    )
    root = tmp_path / "state"
    with (
        RunScope("live-caged", root) as live,
        closing(live_memory_limit := choose_memory_limits(live.run_id).open("w", LIMIT_BYTES)),
    ):
        memory_limits.open("worker-0", LIMIT_BYTES)
        group = memory_limits.parent / "harness-caged-run-worker-0"
        (group / "below").mkdir()
        argv = [*("/bin/sh", "-c", 'echo $$ > "$0" && exec sleep 600'), str(group / "below" / "cgroup.procs")]
        (root / "caged-run").mkdir()
        with subprocess.Popen(argv, env={"PATH": os.environ["PATH"]}) as caged:
            wait_for("the process to be inside", (group / "below" / "cgroup.procs").read_text, timeout_s=LIMIT_S)
            assert find_cgroups("caged-run") == (group / "below", group)
            assert not census("caged-run", root).clean

            (run,) = sweep_dead_runs(root).runs

            assert caged.wait(LIMIT_S) == -signal.SIGKILL
        assert (run.run_id, set(run.cgroups), run.left.clean) == ("caged-run", {group / "below", group}, True)
        assert not group.exists()
        assert live_memory_limit.by_kind() is not None


@contextmanager
def small_harness(run_id: str, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that behaves as the harness does in the middle of a run; whatever is left of it is ended."""
    argv = [sys.executable, "-c", HARNESS, run_id, str(root)]
    harness = subprocess.Popen(argv, cwd=CHECKOUT)
    try:
        wait_for(f"{run_id} to be up", lambda: len(census(run_id, root).ports) == 1, timeout_s=LIMIT_S)
        wait_for(f"{run_id} to be whole", lambda: len(find_processes(run_id)) == 2, timeout_s=LIMIT_S)
        yield harness
    finally:
        harness.kill()
        harness.wait(LIMIT_S)
        for seen in find_processes(run_id):
            with suppress(ProcessLookupError):
                os.kill(seen.pid, signal.SIGKILL)


@contextmanager
def carrier(scope: RunScope) -> Iterator[int]:
    """A process of the run; yields its pid."""
    process = subprocess.Popen(["sleep", "600"], env=scope.environment())
    try:
        wait_for("the process to run", lambda: find_processes(scope.run_id), timeout_s=LIMIT_S)
        yield process.pid
    finally:
        process.kill()
        process.wait(LIMIT_S)
