"""The supervisor with real processes in real memory limits.

Every end is seen for what it was, and the next incarnation starts later.
"""

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import psutil
import pytest

from harness.environment.memory_limit import MemoryLimits, choose_memory_limits
from harness.environment.run.census import find_cgroups
from harness.environment.run.run_scope import RunScope
from harness.environment.supervisor import RestartPolicy, Supervisor, WorkerLaunch
from harness.errors import RunDirectoryError
from harness.record import Scalar
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

MIB = 2**20
LIMIT_BYTES = 64 * MIB
TIMEOUT_S = 30.0
DIES_OF_MEMORY = f"keep = []\nwhile True: keep.append(bytearray({MIB}))"
ENDS_WITH_3 = "raise SystemExit(3)"
KILLS_ITSELF = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
LIVES = "import signal; signal.pause()"
ENDS_WELL_WHEN_TOLD = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\nwhile True: signal.pause()"
)
IGNORES_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"


@dataclass
class Told:
    """What the supervisor said, with the time it said it."""

    events: list[tuple[float, str, dict[str, Scalar]]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def __call__(self, kind: str, **data: Scalar) -> None:
        """Keep one event."""
        with self.lock:
            self.events.append((time.monotonic(), kind, data))

    def of(self, kind: str) -> list[dict[str, Scalar]]:
        """Return the events of one kind."""
        with self.lock:
            return [data for _, each, data in self.events if each == kind]

    def times_of(self, kind: str) -> list[float]:
        """Return when the events of one kind were told."""
        with self.lock:
            return [at for at, each, _ in self.events if each == kind]


@pytest.fixture
def told() -> Told:
    """Where the supervisor says what happened."""
    return Told()


@pytest.fixture
def memory_limits(tmp_path: Path) -> Iterator[MemoryLimits]:
    """Real memory limits of a live run, of which nothing may be left."""
    with RunScope(f"supervisor-test-{uuid.uuid4().hex[:8]}", tmp_path / "state") as scope:
        maker = choose_memory_limits(scope.run_id)
        assert not maker.emulated, f"no kernel memory limit here: {maker.why_emulated}; run the tests as root"
        yield maker
        assert find_cgroups(scope.run_id) == ()


@pytest.fixture
def make(tmp_path: Path, memory_limits: MemoryLimits, told: Told) -> Callable[..., Supervisor]:
    """Return a function that makes a supervisor whose worker runs ``code``, or one code for each incarnation."""

    def make(
        *code: str,
        backoff_s: float = 0.05,
        restarts_max: int = 0,
        maker: MemoryLimits = memory_limits,
        grace_s: float = 10.0,
    ) -> Supervisor:
        incarnations = [*code, *[code[-1]] * restarts_max]
        launch = WorkerLaunch(
            argv=lambda incarnation: (sys.executable, "-S", "-c", incarnations[incarnation]),
            env=lambda incarnation: {"LIFE": str(incarnation), "HARNESS_RUN_ID": memory_limits.run_id},
            cwd=tmp_path,
            logs=tmp_path / "logs",
        )
        policy = RestartPolicy(backoff_s, restarts_max)
        return Supervisor(launch, maker, LIMIT_BYTES, policy, told, name="tried", grace_s=grace_s)

    return make


def gave_up(supervisor: Supervisor) -> str:
    """Wait until no further incarnation will come; return why."""
    return wait_for("the supervisor to give up", supervisor.death, timeout_s=TIMEOUT_S)


def alive(supervisor: Supervisor) -> int:
    """Wait until an incarnation is going on; return its pid."""
    incarnation = wait_for(
        "an incarnation to begin", lambda: supervisor.current, timeout_s=TIMEOUT_S, alive=supervisor.death
    )
    return incarnation.pid


def handler_installed(pid: int) -> bool:
    """Say whether the process has its own way with SIGTERM: ignored or caught."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigIgn:", "SigCgt:"))]
    return any(mask & 1 << 14 for mask in masks)


def test_a_worker_that_dies_of_memory_is_started_again_ever_later(make: Callable[..., Supervisor], told: Told) -> None:
    """Guarantees the restarts of the incident.

    The kernel's kills, each incarnation counted alone, and a doubling back-off.
    """
    with make(DIES_OF_MEMORY, backoff_s=0.4, restarts_max=2) as supervisor:
        why = gave_up(supervisor)

    ends = told.of("worker_ended")
    assert [end["ended_by"] for end in ends] == ["kernel"] * 3
    assert [end["oom_kill_delta"] for end in ends] == [1, 1, 1]
    assert [end["exit_status"] for end in ends] == [137, 137, 137]
    assert all(int(str(end["peak_cgroup_bytes"])) >= 0.99 * LIMIT_BYTES for end in ends)
    assert [start["incarnation"] for start in told.of("worker_started")] == [0, 1, 2]
    assert len({start["pid"] for start in told.of("worker_started")}) == 3
    starts_s, ends_s = told.times_of("worker_started"), told.times_of("worker_ended")
    assert starts_s[1] - ends_s[0] >= 0.4
    assert starts_s[2] - ends_s[1] >= 0.8
    assert supervisor.restarts == 2
    assert "ended 3 times, last with 137; see" in why
    assert told.of("restarts_exhausted") == [{"why": why}]


def test_each_incarnation_has_its_own_environment_command_and_log(
    make: Callable[..., Supervisor], tmp_path: Path
) -> None:
    """Guarantees that a restart is a new incarnation: what it is given is asked anew, what it says is kept apart."""
    say = "import os; print('incarnation', os.environ['LIFE']); raise SystemExit(1)"
    with make(say, ENDS_WITH_3, restarts_max=1) as supervisor:
        assert "last with 3" in gave_up(supervisor)

    assert (tmp_path / "logs" / "worker-0.log").read_text() == "incarnation 0\n"
    assert (tmp_path / "logs" / "worker-1.log").read_text() == ""


@pytest.mark.parametrize(
    ("code", "status", "ended_by"),
    [(ENDS_WITH_3, 3, "itself"), ("pass", 0, "itself"), (KILLS_ITSELF, 137, "an unknown SIGKILL")],
    ids=["an error", "a good end", "a SIGKILL from somewhere"],
)
def test_an_end_that_nobody_asked_for_is_told_for_what_it_was(
    code: str, status: int, ended_by: str, make: Callable[..., Supervisor], told: Told
) -> None:
    """Guarantees that 137 alone is never put down to the kernel, and a worker that just ends is no kill."""
    with make(code) as supervisor:
        gave_up(supervisor)

    (end,) = told.of("worker_ended")
    assert (end["exit_status"], end["ended_by"], end["oom_kill_delta"]) == (status, ended_by, 0)
    assert supervisor.restarts == 0


@pytest.mark.parametrize(("code", "status"), [(ENDS_WELL_WHEN_TOLD, 0), (LIVES, 143)], ids=["drains", "dies at once"])
def test_leaving_ends_the_worker_with_sigterm(
    code: str, status: int, make: Callable[..., Supervisor], told: Told
) -> None:
    """Guarantees a chance to end well, and an end that is the harness's own."""
    with make(code) as supervisor:
        pid = alive(supervisor)
        if code == ENDS_WELL_WHEN_TOLD:
            wait_for("the handler to be installed", lambda: handler_installed(pid), timeout_s=TIMEOUT_S)

    (end,) = told.of("worker_ended")
    assert (end["exit_status"], end["ended_by"]) == (status, "harness")
    assert supervisor.current is None
    assert supervisor.gave_up is None
    assert not psutil.pid_exists(pid)


def test_a_worker_that_does_not_listen_is_killed_when_its_grace_is_over(
    make: Callable[..., Supervisor], told: Told
) -> None:
    """Guarantees that no worker holds the trial up, and that the harness's SIGKILL is not taken for another's."""
    with make(IGNORES_SIGTERM, grace_s=0.3) as supervisor:
        pid = alive(supervisor)
        wait_for("SIGTERM to be ignored", lambda: handler_installed(pid), timeout_s=TIMEOUT_S)
        left_s = time.monotonic()

    assert 0.3 <= time.monotonic() - left_s < 10.0
    (end,) = told.of("worker_ended")
    assert (end["exit_status"], end["ended_by"]) == (137, "harness")


def test_a_broken_trial_waits_a_second_at_most(make: Callable[..., Supervisor]) -> None:
    """Guarantees that Ctrl-C is answered at once, however long the grace."""
    left_s = 0.0

    def interrupted() -> None:
        nonlocal left_s
        with make(IGNORES_SIGTERM, grace_s=600.0) as supervisor:
            pid = alive(supervisor)
            wait_for("SIGTERM to be ignored", lambda: handler_installed(pid), timeout_s=TIMEOUT_S)
            left_s = time.monotonic()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert time.monotonic() - left_s < 15.0


def test_leaving_during_a_back_off_does_not_wait_for_it(make: Callable[..., Supervisor], told: Told) -> None:
    """Guarantees that the doubling waits, minutes by then, never hold up the end."""
    with make(ENDS_WITH_3, backoff_s=600.0, restarts_max=3):
        wait_for("the first incarnation to end", lambda: told.of("worker_ended"), timeout_s=TIMEOUT_S)
        left_s = time.monotonic()

    assert time.monotonic() - left_s < 10.0
    assert len(told.of("worker_started")) == 1


def test_a_command_that_cannot_start_is_given_up_with_the_reason(
    tmp_path: Path, memory_limits: MemoryLimits, told: Told
) -> None:
    """Guarantees that a wrong command ends the wait for a worker at once, on the shell's word in its log."""
    launch = WorkerLaunch(
        lambda _incarnation: ("/no/such/worker",), lambda _incarnation: {}, tmp_path, tmp_path / "logs"
    )
    policy = RestartPolicy(0.05, 0)
    with Supervisor(launch, memory_limits, LIMIT_BYTES, policy, told, name="tried", grace_s=1.0) as supervisor:
        assert "ended 1 times, last with 127" in gave_up(supervisor)

    assert "not found" in (tmp_path / "logs" / "worker-0.log").read_text()


def test_without_a_memory_limit_to_make_it_is_given_up_with_the_reason(
    make: Callable[..., Supervisor], memory_limits: MemoryLimits, tmp_path: Path, told: Told
) -> None:
    """Guarantees that a worker is never started without its limit."""
    nowhere = MemoryLimits(memory_limits.run_id, tmp_path / "gone", memory_limits.files)
    with make(LIVES, maker=nowhere) as supervisor:
        assert "NotEnforceableError: the memory cgroup" in gave_up(supervisor)

    assert told.of("worker_started") == []


def test_a_fault_in_what_the_supervisor_is_given_is_given_up_with_the_reason(
    tmp_path: Path, memory_limits: MemoryLimits, told: Told
) -> None:
    """Guarantees that the supervisor's thread never dies in silence: the trial would wait for a worker for ever."""

    def broken(_incarnation: int) -> tuple[str, ...]:
        raise KeyError("preset")

    launch = WorkerLaunch(broken, lambda _incarnation: {}, tmp_path, tmp_path / "logs")
    with Supervisor(
        launch, memory_limits, LIMIT_BYTES, RestartPolicy(0.05, 0), told, name="tried", grace_s=1.0
    ) as supervisor:
        assert gave_up(supervisor) == "the worker could not be kept running: KeyError: 'preset'"


def test_a_full_disk_does_not_keep_the_worker_alive(tmp_path: Path, memory_limits: MemoryLimits) -> None:
    """Guarantees that the end of an incarnation which can't be recorded is still an end."""
    seen: list[str] = []

    def on_event(kind: str, **_data: Scalar) -> None:
        seen.append(kind)
        if kind != "worker_started":
            raise RunDirectoryError("No space left on device")

    launch = WorkerLaunch(
        lambda _incarnation: (sys.executable, "-S", "-c", LIVES), lambda _incarnation: {}, tmp_path, tmp_path
    )
    with Supervisor(
        launch, memory_limits, LIMIT_BYTES, RestartPolicy(0.05, 0), on_event, name="tried", grace_s=5.0
    ) as supervisor:
        pid = alive(supervisor)

    assert seen == ["worker_started", "worker_signalled", "worker_ended"]
    assert not psutil.pid_exists(pid)


def test_under_the_watchdog_a_kill_is_the_watchdogs(make: Callable[..., Supervisor], told: Told) -> None:
    """Guarantees that an emulated limit is never told as the kernel's, and that its peak is the resident set's."""
    emulation = MemoryLimits("supervisor-test", None, None)
    with make(DIES_OF_MEMORY, KILLS_ITSELF, restarts_max=1, maker=emulation) as supervisor:
        gave_up(supervisor)

    first, second = told.of("worker_ended")
    assert (first["exit_status"], first["ended_by"], first["oom_kill_delta"]) == (137, "watchdog", 0)
    assert first["peak_cgroup_bytes"] is None
    assert int(str(first["peak_rss_bytes"])) >= LIMIT_BYTES
    assert second["ended_by"] == "an unknown SIGKILL"
