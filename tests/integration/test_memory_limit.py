"""Cages on the real kernel.

What is over the limit dies by the OOM killer, what is under it lives, and nothing stays.

Needs a memory cgroup that can be made: root, or a delegated subtree. Without one these tests fail, as the harness
itself would only emulate.
"""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.environment.memory_limit import MemoryLimit, MemoryLimits, choose_memory_limits, prove
from harness.environment.memory_limit.canary import CANARY_LIMIT_BYTES
from harness.environment.memory_limit.watchdog import WatchdogLimit
from harness.environment.process import shell_status
from harness.environment.run.census import find_cgroups
from harness.errors import NotEnforceableError
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

MIB = 2**20
LIMIT_BYTES = 64 * MIB
TIMEOUT_S = 30.0
HOLD_30_MIB = f"b = bytearray({30 * MIB}); print('held', flush=True); input()"
GROW_FOR_EVER = f"keep = []\nwhile True: keep.append(bytearray({MIB}))"


@pytest.fixture
def memory_limits() -> Iterator[MemoryLimits]:
    """Real memory limits of a run of their own, of which nothing may be left."""
    run_id = f"memory_limit-test-{uuid.uuid4().hex[:8]}"
    maker = choose_memory_limits(run_id)
    assert not maker.emulated, f"no kernel memory limit here: {maker.why_emulated}; run the tests as root"
    yield maker
    assert find_cgroups(run_id) == ()


@pytest.fixture
def memory_limit(memory_limits: MemoryLimits) -> Iterator[MemoryLimit]:
    """One real memory limit of 64 MiB."""
    made = memory_limits.open("tried", LIMIT_BYTES)
    yield made
    made.close()


def started(memory_limit: MemoryLimit, code: str) -> subprocess.Popen[bytes]:
    """Start a bare interpreter with ``code`` in ``memory_limit``."""
    argv = [*memory_limit.prefix, sys.executable, "-S", "-c", code]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    memory_limit.watch(process.pid)
    return process


def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process to end, however it does; return its status as a shell shows it."""
    with process:
        return shell_status(process.wait(timeout=TIMEOUT_S))


def folder_of(memory_limits: MemoryLimits, name: str) -> Path:
    """Return the folder of one of the run's cgroups."""
    assert memory_limits.parent is not None
    return memory_limits.parent / f"harness-{memory_limits.run_id}-{name}"


def test_the_canary_is_killed_by_the_kernel_and_its_memory_limit_is_gone(memory_limits: MemoryLimits) -> None:
    """Guarantees the proof that every run begins with."""
    result = prove(memory_limits.open("canary", CANARY_LIMIT_BYTES))

    assert (result.exit_status, result.oom_kills) == (137, 1)
    assert result.killed_by_kernel
    assert find_cgroups(memory_limits.run_id) == ()


def test_a_process_over_the_limit_is_oom_killed_at_the_limit(memory_limit: MemoryLimit) -> None:
    """Guarantees the three witnesses of a kernel kill: 137, oom_kill + 1, and a peak of at least 99 %."""
    assert ended(started(memory_limit, GROW_FOR_EVER)) == 137

    reading = memory_limit.read()
    assert reading.oom_kills == 1
    assert reading.peak_bytes is not None
    assert 0.99 * LIMIT_BYTES <= reading.peak_bytes <= LIMIT_BYTES
    assert not memory_limit.limit.emulated


def test_a_process_under_the_limit_lives_and_is_counted(memory_limit: MemoryLimit) -> None:
    """Guarantees that the limit itself harms nobody, and that what is charged is what the process holds."""
    process = started(memory_limit, HOLD_30_MIB)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    kinds = memory_limit.by_kind()
    assert kinds is not None
    charged = kinds.charged
    assert 30 * MIB <= kinds.anonymous <= charged
    assert 30 * MIB <= charged < LIMIT_BYTES
    process.communicate(b"\n", timeout=TIMEOUT_S)

    reading = memory_limit.read()
    assert process.returncode == 0
    assert reading.oom_kills == 0
    assert reading.peak_bytes is not None
    assert reading.peak_bytes >= charged


def test_a_process_that_dies_of_a_plain_sigkill_counts_no_oom(memory_limit: MemoryLimit) -> None:
    """Guarantees that 137 alone is told from an OOM kill."""
    process = started(memory_limit, "input()")
    process.kill()

    assert ended(process) == 137
    assert memory_limit.read().oom_kills == 0


def test_the_prefix_keeps_the_pid_that_was_started(memory_limit: MemoryLimit) -> None:
    """Guarantees that the process which the harness started is the one in the memory limit, not a child of it."""
    process = started(memory_limit, "import os; print(os.getpid(), flush=True); input()")
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid

    process.communicate(b"\n", timeout=TIMEOUT_S)


def test_closing_kills_every_member_and_removes_the_memory_limit(memory_limits: MemoryLimits) -> None:
    """Guarantees that nothing survives its memory limit: not the process, nor what it started."""
    memory_limit = memory_limits.open("closed", LIMIT_BYTES)
    code = "import subprocess; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); child.wait()"
    process = started(memory_limit, code)
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))

    memory_limit.close()

    assert ended(process) == 137
    wait_for("the child to be gone", lambda: not child.is_running() or child.status() == "zombie", timeout_s=TIMEOUT_S)
    assert not folder_of(memory_limits, "closed").exists()
    memory_limit.close()


def test_a_name_that_is_taken_is_refused_and_its_members_live(memory_limits: MemoryLimits) -> None:
    """Guarantees that two harnesses never share a memory limit, and never kill in each other's."""
    first = memory_limits.open("taken", LIMIT_BYTES)
    process = started(first, HOLD_30_MIB)
    assert process.stdout is not None
    process.stdout.readline()

    with pytest.raises(NotEnforceableError, match="File exists"):
        memory_limits.open("taken", LIMIT_BYTES)

    assert process.poll() is None
    first.close()
    assert ended(process) == 137


def test_a_counter_of_a_closed_memory_limit_is_an_oserror(memory_limits: MemoryLimits) -> None:
    """Guarantees what the sampler is prepared for when an incarnation ends between two looks."""
    memory_limit = memory_limits.open("gone", LIMIT_BYTES)
    memory_limit.close()

    with pytest.raises(OSError, match="No such"):
        memory_limit.by_kind()


class TestWatchdog:
    """The emulation: it kills as well, but never calls it a kernel's kill."""

    def test_a_process_over_the_limit_is_killed_and_the_kill_is_the_watchdogs(self) -> None:
        """Guarantees 137 without any oom_kill, and a peak from the samples."""
        memory_limit = WatchdogLimit(LIMIT_BYTES)
        assert ended(started(memory_limit, GROW_FOR_EVER)) == 137
        memory_limit.close()

        reading = memory_limit.read()
        assert (reading.oom_kills, reading.watchdog_kills, reading.peak_bytes) == (0, 1, None)
        assert reading.peak_rss_bytes is not None
        assert reading.peak_rss_bytes >= LIMIT_BYTES
        assert (memory_limit.limit.kind, memory_limit.limit.emulated) == ("watchdog", True)

    def test_what_a_child_holds_counts(self) -> None:
        """Guarantees the limit for the whole family: neither of the two is over it alone."""
        child = f"b = bytearray({40 * MIB}); input()"
        code = (
            f"import subprocess, sys; b = bytearray({40 * MIB})\n"
            f"subprocess.Popen([sys.executable, '-S', '-c', {child!r}], stdin=subprocess.PIPE).wait()"
        )
        memory_limit = WatchdogLimit(LIMIT_BYTES)
        assert ended(started(memory_limit, code)) == 137
        memory_limit.close()

        assert memory_limit.read().watchdog_kills == 1

    def test_the_end_of_a_child_does_not_end_the_watch(self) -> None:
        """Guarantees that a worker which once started something is still watched."""
        child = f"b = bytearray({20 * MIB}); import time; time.sleep(0.2)"
        code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {child!r}])\n{GROW_FOR_EVER}"
        memory_limit = WatchdogLimit(LIMIT_BYTES)
        assert ended(started(memory_limit, code)) == 137
        memory_limit.close()

        assert memory_limit.read().watchdog_kills == 1

    def test_a_process_under_the_limit_lives(self) -> None:
        """Guarantees that the watch itself harms nobody."""
        memory_limit = WatchdogLimit(LIMIT_BYTES)
        process = started(memory_limit, HOLD_30_MIB)
        assert process.stdout is not None
        process.stdout.readline()
        wait_for(
            "the watchdog to see it", lambda: (memory_limit.read().peak_rss_bytes or 0) >= 30 * MIB, timeout_s=TIMEOUT_S
        )
        process.communicate(b"\n", timeout=TIMEOUT_S)
        memory_limit.close()

        assert process.returncode == 0
        assert memory_limit.read().watchdog_kills == 0
