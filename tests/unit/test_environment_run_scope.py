"""Run scopes: ids, environment, the folder and its lock."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from harness.environment.run.run_scope import RunScope
from harness.environment.run.state_folder import lock_folder, make_root
from harness.errors import PartFailedError, UsageError


def test_within_a_scope_there_is_a_private_folder_and_afterwards_nothing(tmp_path: Path) -> None:
    """Data of a run are for its user alone, and go with the run."""
    with RunScope("run-1", tmp_path / "state") as scope:
        assert scope.tmp.stat().st_mode & 0o777 == 0o700
        assert scope.root.stat().st_mode & 0o777 == 0o700
        (scope.tmp / "data").write_text("x")
    assert not scope.folder.exists()


def test_a_live_runs_lock_is_held_and_a_dead_ones_is_free(tmp_path: Path) -> None:
    """The lock tells the living from the dead, within one process, too."""
    with RunScope("run-1", tmp_path / "state") as scope:
        assert lock_folder(scope.folder) is None
    scope.folder.mkdir()
    lock_fd = lock_folder(scope.folder)
    assert lock_fd is not None
    os.close(lock_fd)


def test_a_start_during_a_sweep_waits_and_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    """A sweep removes folder and lock while it holds the lock; a start must not get the lock that was removed."""
    scope = RunScope("run-1", tmp_path / "state")
    make_root(scope.root)
    scope.folder.mkdir()
    sweeps_lock = lock_folder(scope.folder)
    assert sweeps_lock is not None
    start = threading.Thread(target=scope.__enter__)
    start.start()
    try:
        assert not scope.tmp.exists()
        shutil.rmtree(scope.folder, ignore_errors=True)
    finally:
        os.close(sweeps_lock)
    start.join(20.0)
    assert scope.tmp.is_dir()
    assert lock_folder(scope.folder) is None, "the start holds the lock of the new folder"
    scope.__exit__(None, None, None)
    assert not scope.folder.exists()


def test_a_folder_that_is_gone_has_no_lock(tmp_path: Path) -> None:
    """A sweep that comes second finds nothing, and says so quietly."""
    assert lock_folder(tmp_path / "gone") is None


def test_the_id_of_a_run_that_died_is_not_used_again(tmp_path: Path) -> None:
    """Two runs of one id would be one run to the sweep."""
    (tmp_path / "state" / "run-1" / "tmp").mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    with pytest.raises(UsageError, match="run-1 was already there and died"), RunScope("run-1", tmp_path / "state"):
        pass


@pytest.mark.parametrize("run_id", ["", "abc", "../etc", "a b c d", "-run", "x" * 81, "run.1"])
def test_an_id_that_is_no_name_is_refused(run_id: str) -> None:
    """It becomes part of folder, cgroup and node names."""
    with pytest.raises(UsageError, match="use 4 to 80 letters"):
        RunScope(run_id)


def test_processes_get_the_runs_id_and_no_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All traffic of a trial stays on loopback, whatever the shell says."""
    monkeypatch.setenv("HTTPS_PROXY", "http://192.0.2.1:3128")
    monkeypatch.setenv("no_proxy", "*")
    env = RunScope("run-1", tmp_path).environment(EXTRA="1")
    assert (env["HARNESS_RUN_ID"], env["EXTRA"], env["PATH"]) == ("run-1", "1", os.environ["PATH"])
    assert not [name for name in env if name.lower().endswith("_proxy")]


def test_a_folder_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    """In a shared /tmp somebody else may have made it first."""
    (tmp_path / "state").mkdir(mode=0o755)
    with pytest.raises(PartFailedError, match="not a folder of this user alone"), RunScope("run-1", tmp_path / "state"):
        pass
