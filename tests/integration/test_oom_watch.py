"""The supervisor sees which process the kernel killed: a child, the first process, or one that nobody could name."""

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.environment import oom_watch
from harness.environment.memory_limit import MemoryLimits, choose_memory_limits
from harness.environment.run.run_scope import RunScope
from harness.environment.supervisor import RestartPolicy, Supervisor, WorkerLaunch
from harness.record import EndedBy, KillScope, MemorySeries
from harness.store import RunFolder
from harness.store.events_file import read_events, worker_incarnations
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

TIMEOUT_S = 20.0
LIMIT_BYTES = 48 * 2**20
EAT = "b = bytearray(96 * 2**20)"
# The parent forks a child that eats past the limit, says so, and goes on for as long as the test likes.
CHILD_DIES = f"""
import os, time
pid = os.fork()
if pid == 0:
    {EAT}
    os._exit(0)
os.waitpid(pid, 0)
open("survived", "w").close()
time.sleep(60)
"""


@pytest.fixture
def memory_limits(tmp_path: Path) -> Iterator[MemoryLimits]:
    """Real limits of a live run."""
    with RunScope(f"oom-test-{uuid.uuid4().hex[:8]}", tmp_path / "state") as scope:
        yield choose_memory_limits(scope.run_id)


@pytest.fixture
def played(tmp_path: Path, memory_limits: MemoryLimits) -> Callable[..., dict[str, Any]]:
    """Return a function that runs a worker of ``code`` until ``until`` holds, and returns what was recorded of it."""

    def play(code: str, until: Callable[[Supervisor], object], kills: KillScope = KillScope.PROCESS) -> dict[str, Any]:
        folder = RunFolder(tmp_path, "now").trial("tried", "before")
        launch = WorkerLaunch(
            argv=lambda _: (sys.executable, "-S", "-c", code),
            env=lambda _: {"HARNESS_RUN_ID": memory_limits.run_id},
            cwd=tmp_path,
            logs=folder.logs,
        )
        policy = RestartPolicy(0.05, 0)
        with Supervisor(
            launch, memory_limits, LIMIT_BYTES, policy, folder.event, name="tried", grace_s=5.0, kills=kills
        ) as supervisor:
            wait_for("the worker to come so far", lambda: until(supervisor), timeout_s=TIMEOUT_S)
        events = read_events(folder.path, [])
        (incarnation,) = worker_incarnations(events, MemorySeries.empty())
        return {"incarnation": incarnation, "kills": incarnation.kills}

    return play


def has_ended(supervisor: Supervisor) -> object:
    """Whether no further incarnation will come."""
    return supervisor.death()


@pytest.mark.parametrize("kernel_log", ["/dev/kmsg", "/nowhere/kmsg"], ids=["by the kernel's log", "by what vanished"])
def test_a_child_that_was_killed_is_named_and_its_parent_lives_on(
    played: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel_log: str
) -> None:
    """Guarantees that a kill of any process is on record, with and without the kernel's log."""
    monkeypatch.setattr(oom_watch, "_KERNEL_LOG", kernel_log)

    record = played(CHILD_DIES, lambda _: (tmp_path / "survived").exists())

    (kill,) = record["kills"]
    assert kill.pid not in (None, record["incarnation"].pid)
    assert not kill.first_process
    assert "bytearray" in kill.command
    assert record["incarnation"].oom_kill_delta == 1
    assert record["incarnation"].ended_by is EndedBy.HARNESS


def test_the_first_process_s_own_kill_is_told_apart(played: Callable[..., dict[str, Any]]) -> None:
    """Guarantees that exit 137 by the kernel is on record as the first process's."""
    record = played(EAT, has_ended)

    (kill,) = record["kills"]
    assert (kill.pid, kill.first_process) == (record["incarnation"].pid, True)
    assert (record["incarnation"].exit_status, record["incarnation"].ended_by) == (137, EndedBy.KERNEL)


def test_where_the_container_is_killed_its_first_process_goes_with_the_child(
    played: Callable[..., dict[str, Any]],
) -> None:
    """Guarantees Kubernetes' other semantics: by the kernel where it offers that, else by the supervisor."""
    record = played(CHILD_DIES, has_ended, KillScope.CONTAINER)

    assert not record["kills"][0].first_process
    assert record["incarnation"].exit_status == 137
    assert record["incarnation"].ended_by in (EndedBy.SUPERVISOR, EndedBy.KERNEL)
