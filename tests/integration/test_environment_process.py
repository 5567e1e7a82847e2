"""A child is its whole process group, and its verbs keep to its state."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from harness.environment.process import Child, ChildState, shell_status
from harness.errors import HarnessError, PartFailedError, WaitTimeoutError
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

LIMIT_S = 20.0


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_status_is_as_a_shell_shows_it(script: str, status: int, tmp_path: Path) -> None:
    """0 to 255, and 128 + signal for a death by signal: 137 is what the incident's report says."""
    with shell(script, tmp_path) as child:
        assert child.wait(LIMIT_S) == status
    assert (child.exit_status, child.state) == (status, ChildState.ENDED)


def test_the_states_go_one_way(tmp_path: Path) -> None:
    """New, running, ended; a verb out of turn is a mistake and says so."""
    child = shell("sleep 60", tmp_path)
    assert child.state.value == "new"
    for verb in (child.poll, child.kill, lambda: child.wait(0.0), lambda: child.pid):
        with pytest.raises(HarnessError, match=r"before start\(\)"):
            verb()
    with child:
        assert child.state is ChildState.RUNNING
        assert child.exit_status is None
        with pytest.raises(HarnessError, match="make a new Child to restart"):
            child.start()
    assert child.exit_status == 143


def test_it_is_a_session_of_its_own(tmp_path: Path) -> None:
    """A Ctrl-C at the terminal reaches the harness, and not the parts it still needs to take down in order."""
    with shell("sleep 60", tmp_path) as child:
        assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid != os.getsid(0)


def test_what_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    """Asked first, then made to."""
    with shell("trap '' TERM; echo ready; while :; do sleep 0.05; done", tmp_path) as child:
        wait_for("the trap to be set", lambda: "ready" in child.tail(), timeout_s=LIMIT_S)
        assert child.terminate(grace_s=0.2) == 137


def test_what_obeys_sigterm_ends_by_itself(tmp_path: Path) -> None:
    """Its own exit code is kept."""
    with shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done", tmp_path) as child:
        wait_for("the trap to be set", lambda: "ready" in child.tail(), timeout_s=LIMIT_S)
        assert child.terminate(grace_s=LIMIT_S) == 7
        assert child.terminate() == 7  # ending the ended is no error


def test_its_group_ends_with_it(tmp_path: Path) -> None:
    """What it started and left behind is gone when its own end has been seen."""
    with shell("sleep 60 & echo $!; sleep 60 & echo $!; exit 0", tmp_path) as child:
        assert child.wait(LIMIT_S) == 0
        left = [int(line) for line in child.tail().split()]
    assert len(left) == 2
    wait_for("its children to be gone", lambda: not any(incarnations(pid) for pid in left), timeout_s=LIMIT_S)


def test_leaving_the_context_ends_it_on_failure_too(tmp_path: Path) -> None:
    """An error in a trial leaves no process."""
    child = shell("sleep 60", tmp_path)
    with pytest.raises(RuntimeError, match="boom"), child:
        raise RuntimeError("boom")
    assert child.state is ChildState.ENDED
    assert not psutil.pid_exists(child.pid)


def test_a_stopped_process_is_ended_too(tmp_path: Path) -> None:
    """SIGSTOP, which a fault may have sent, does not protect it."""
    with shell("sleep 60", tmp_path) as child:
        child.signal(signal.SIGSTOP)
        assert child.terminate(grace_s=0.1) in (137, 143)


def test_its_output_is_kept_and_shown_in_its_death(tmp_path: Path) -> None:
    """Both streams go to one log, appended, and its end stands in the error."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "it.log").write_text("an earlier incarnation\n")
    with shell("echo out; echo err >&2; exit 1", tmp_path) as child:
        child.wait(LIMIT_S)
        assert child.log_file.read_text() == "an earlier incarnation\nout\nerr\n"
        assert child.death() == "it ended with status 1; its log ends:\nan earlier incarnation\nout\nerr"


def test_a_time_out_names_it(tmp_path: Path) -> None:
    """Waiting for an end has a limit like any wait."""
    with shell("sleep 60", tmp_path) as child, pytest.raises(WaitTimeoutError, match=rf"it \(pid {child.pid}\) to end"):
        child.wait(0.05)


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The name of the program stands in the message."""
    child = Child("it", ["/nowhere/program"], {}, tmp_path / "it.log")
    with pytest.raises(PartFailedError, match=r"it: /nowhere/program can't be started"):
        child.start()
    assert child.state is ChildState.NEW


def test_a_prefix_keeps_the_pid(tmp_path: Path) -> None:
    """A memory limit's wrapper writes its own pid and becomes the program.

    The pid in the memory_limit is the child's.
    """
    pid_file = tmp_path / "pid"
    prefix = ("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(pid_file))
    with Child("it", ["sleep", "60"], dict(os.environ), tmp_path / "it.log", prefix=prefix) as child:
        wait_for("the program to run", lambda: psutil.Process(child.pid).name() == "sleep", timeout_s=LIMIT_S)
        assert int(pid_file.read_text()) == child.pid


def test_it_gets_the_environment_it_is_given(tmp_path: Path) -> None:
    """All of it, and nothing else: what a trial depends on is written down."""
    with Child("it", ["/usr/bin/env"], {"ONLY": "this"}, tmp_path / "it.log", cwd=tmp_path) as child:
        child.wait(LIMIT_S)
    assert child.log_file.read_text() == "ONLY=this\n"


def test_statuses_are_translated_from_pythons() -> None:
    """Python says -9 where a shell says 137."""
    assert [shell_status(code) for code in (0, 1, -9, -15)] == [0, 1, 137, 143]


def shell(script: str, folder: Path) -> Child:
    """A child that runs ``script``."""
    return Child("it", ["/bin/sh", "-c", script], dict(os.environ), folder / "logs" / "it.log")


def incarnations(pid: int) -> bool:
    """Say whether ``pid`` is a process, and no zombie that only waits to be reaped by somebody else."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
