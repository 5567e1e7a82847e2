"""Which limit is chosen: what passes the canary, what was insisted on, and else the watchdog with the reason why."""

import shutil
from pathlib import Path

import pytest

from harness.environment.memory_limit import CanaryResult, MemoryLimits, choose_memory_limits
from harness.environment.memory_limit.base import LimitReading, MemoryLimit
from harness.environment.memory_limit.canary import prove
from harness.environment.memory_limit.cgroup import V1, CgroupLimit
from harness.environment.memory_limit.watchdog import WatchdogLimit
from harness.errors import NotEnforceableError, UsageError, WaitTimeoutError

KILLED = CanaryResult(exit_status=137, oom_kills=1)


@pytest.fixture
def proc_self(tmp_path: Path) -> Path:
    """A machine with version 1 and version 2 of memory cgroups, both plain folders."""
    proc = tmp_path / "proc"
    proc.mkdir()
    for name in ("unified", "memory"):
        (tmp_path / name).mkdir()
    (tmp_path / "unified" / "cgroup.subtree_control").write_text("memory\n")
    (proc / "cgroup").write_text("0::/\n")
    (proc / "mountinfo").write_text(
        f"1 2 0:3 / {tmp_path}/memory rw - cgroup cgroup rw,memory\n1 2 0:3 / {tmp_path}/unified rw - cgroup2 x rw\n"
    )
    return proc


class Kernel:
    """Answers for the canaries: by default each is killed, as it should be."""

    def __init__(self) -> None:
        self.answers: dict[str, CanaryResult | Exception] = {}
        self.asked: list[str] = []

    def prove(self, memory_limit: MemoryLimit) -> CanaryResult:
        """Say how the canary ended in ``memory_limit``."""
        assert isinstance(memory_limit, CgroupLimit)
        shutil.rmtree(memory_limit._folder)
        self.asked.append(memory_limit.limit.kind)
        answer = self.answers.get(memory_limit.limit.kind, KILLED)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """The kernel that is asked instead of the real one."""
    fake = Kernel()
    monkeypatch.setattr("harness.environment.memory_limit.canary.prove", fake.prove)
    return fake


def test_version_2_is_chosen_where_its_canary_dies(proc_self: Path, kernel: Kernel) -> None:
    """Guarantees the better of two, and that one proof is enough."""
    memory_limits = choose_memory_limits("unit-run", proc_self=proc_self)

    assert (memory_limits.kind, memory_limits.emulated, memory_limits.why_emulated) == ("cgroup v2", False, "")
    assert memory_limits.parent == proc_self.parent / "unified"
    assert kernel.asked == ["cgroup v2"]


@pytest.mark.parametrize(
    "answer",
    [
        CanaryResult(exit_status=0, oom_kills=0),
        CanaryResult(exit_status=137, oom_kills=0),
        CanaryResult(exit_status=1, oom_kills=1),
        NotEnforceableError("the counters could not be read"),
        WaitTimeoutError("waited 10 s for the cgroup to be empty, in vain"),
    ],
    ids=["survived", "killed by a stranger", "another end", "not readable", "not removable"],
)
def test_a_canary_that_was_not_killed_by_the_kernel_is_a_refusal(
    answer: CanaryResult | Exception, proc_self: Path, kernel: Kernel
) -> None:
    """Guarantees that the next place is tried, however the first one failed."""
    kernel.answers["cgroup v2"] = answer

    assert choose_memory_limits("unit-run", proc_self=proc_self).kind == "cgroup v1"


def test_where_no_canary_dies_the_watchdog_is_chosen_with_every_reason(proc_self: Path, kernel: Kernel) -> None:
    """Guarantees an emulation that says it is one, and why."""
    kernel.answers = {
        "cgroup v2": NotEnforceableError("version 2 refused"),
        "cgroup v1": CanaryResult(exit_status=0, oom_kills=0),
    }

    memory_limits = choose_memory_limits("unit-run", proc_self=proc_self)

    assert (memory_limits.kind, memory_limits.emulated) == ("watchdog", True)
    memory = proc_self.parent / "memory"
    assert memory_limits.why_emulated == f"version 2 refused; the canary in {memory} ended with 0, oom_kill +0"
    assert isinstance(memory_limits.open("a", 100), WatchdogLimit)


def test_without_any_cgroup_the_reason_is_said(tmp_path: Path) -> None:
    """Guarantees a reason on a machine without cgroups."""
    assert choose_memory_limits("unit-run", proc_self=tmp_path).why_emulated == "no memory cgroup is mounted here"


def test_insisting_on_a_kind_asks_only_that_one(proc_self: Path, kernel: Kernel) -> None:
    """Guarantees --limit: no other kind stands in for the one that was asked for."""
    assert choose_memory_limits("unit-run", "cgroup-v1", proc_self=proc_self).kind == "cgroup v1"
    assert kernel.asked == ["cgroup v1"]

    kernel.answers["cgroup v1"] = NotEnforceableError("version 1 refused")
    with pytest.raises(NotEnforceableError, match="no cgroup-v1 limit can be enforced here: version 1 refused"):
        choose_memory_limits("unit-run", "cgroup-v1", proc_self=proc_self)


def test_the_watchdog_can_be_asked_for(proc_self: Path, kernel: Kernel) -> None:
    """Guarantees an emulation on request, said to be one, without any proof."""
    memory_limits = choose_memory_limits("unit-run", "watchdog", proc_self=proc_self)

    assert (memory_limits.emulated, memory_limits.why_emulated) == (True, "the watchdog was asked for")
    assert kernel.asked == []


def test_an_unknown_kind_is_a_usage_error() -> None:
    """Guarantees exit 2 with what there is."""
    with pytest.raises(UsageError, match="no memory limit of kind 'docker'; there are: auto, cgroup-v2"):
        choose_memory_limits("unit-run", "docker")


def test_a_memory_limit_is_named_after_its_run(tmp_path: Path) -> None:
    """Guarantees the name by which a later start finds what a killed harness left."""
    memory_limit = MemoryLimits("unit-run", tmp_path, V1).open("fixed-0", 100)

    assert (tmp_path / "harness-unit-run-fixed-0").is_dir()
    assert memory_limit.limit.kind == "cgroup v1"


class Unreadable(WatchdogLimit):
    """A memory limit whose counters are gone."""

    closed = False

    def read(self) -> LimitReading:
        """Fail as a file of a removed cgroup does."""
        raise OSError(19, "No such device")

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def test_a_canary_whose_counters_are_gone_is_not_enforceable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that even then the limit is closed, and the error is one that the chooser takes for a refusal."""
    monkeypatch.setattr("harness.environment.memory_limit.canary._ALLOCATE", "pass")
    memory_limit = Unreadable(10**9)

    with pytest.raises(NotEnforceableError, match=r"could not be read: .*No such device"):
        prove(memory_limit)

    assert memory_limit.closed


def test_a_canary_that_never_ends_is_not_enforceable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees a limit on the proof: the canary itself is killed and the memory limit is closed."""
    monkeypatch.setattr(
        "harness.environment.memory_limit.canary._ALLOCATE", "import threading; threading.Event().wait()"
    )
    monkeypatch.setattr("harness.environment.memory_limit.canary._TIMEOUT_S", 0.5)

    with pytest.raises(NotEnforceableError, match="neither killed nor done after"):
        prove(WatchdogLimit(10**9))
