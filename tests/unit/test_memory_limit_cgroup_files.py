"""The files of a memory cgroup, of either version: what is written and what is read, shown on plain folders."""

import shutil
from pathlib import Path

import pytest

from harness.environment.memory_limit.cgroup import V1, V2, CgroupFiles, CgroupLimit
from harness.errors import NotEnforceableError

LIMIT_BYTES = 3000 * 2**20


@pytest.fixture
def kernel_files(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Let each new folder hold the files that a kernel would put there.

    They may be changed before the memory_limit is made.
    """
    files: dict[str, str] = {}
    real_mkdir = Path.mkdir

    def mkdir(folder: Path) -> None:
        real_mkdir(folder)
        for name, content in files.items():
            (folder / name).write_text(content)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    return files


def contents(folder: Path) -> dict[str, str]:
    """Return what stands in each file of ``folder``."""
    return {path.name: path.read_text() for path in folder.iterdir()}


def closed_as_a_kernel_would(memory_limit: CgroupLimit, folder: Path) -> None:
    """Close a memory limit whose files, unlike a kernel's, do not go with their folder."""
    shutil.rmtree(folder)
    memory_limit.close()


def test_version_2_limits_memory_and_forbids_swap(tmp_path: Path, kernel_files: dict[str, str]) -> None:
    """Guarantees both limits: with swap left, an OOM would never come."""
    kernel_files.update({"memory.max": "max", "memory.swap.max": "max"})
    folder = tmp_path / "memory_limit"

    memory_limit = CgroupLimit(folder, LIMIT_BYTES, V2)

    assert contents(folder) == {"memory.max": str(LIMIT_BYTES), "memory.swap.max": "0"}
    assert (memory_limit.limit.kind, memory_limit.limit.emulated, memory_limit.limit.limit_bytes) == (
        "cgroup v2",
        False,
        LIMIT_BYTES,
    )
    closed_as_a_kernel_would(memory_limit, folder)


def test_version_1_limits_memory_then_memory_with_swap(tmp_path: Path, kernel_files: dict[str, str]) -> None:
    """Guarantees that swap can't hide an OOM where it is accounted, and is left unused where it is not."""
    kernel_files.update({"memory.limit_in_bytes": "-", "memory.memsw.limit_in_bytes": "-", "memory.swappiness": "60"})
    accounted = CgroupLimit(tmp_path / "accounted", LIMIT_BYTES, V1)
    assert contents(tmp_path / "accounted") == {
        "memory.limit_in_bytes": str(LIMIT_BYTES),
        "memory.memsw.limit_in_bytes": str(LIMIT_BYTES),
        "memory.swappiness": "0",
    }
    del kernel_files["memory.memsw.limit_in_bytes"]
    unaccounted = CgroupLimit(tmp_path / "unaccounted", LIMIT_BYTES, V1)
    assert "memory.memsw.limit_in_bytes" not in contents(tmp_path / "unaccounted")

    closed_as_a_kernel_would(accounted, tmp_path / "accounted")
    closed_as_a_kernel_would(unaccounted, tmp_path / "unaccounted")


@pytest.mark.parametrize(
    ("files", "counters"),
    [
        (V2, {"memory.current": "500", "memory.peak": "900", "memory.events": "low 0\noom 3\noom_kill 2\n"}),
        (
            V1,
            {
                "memory.usage_in_bytes": "500",
                "memory.max_usage_in_bytes": "900",
                "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            },
        ),
    ],
    ids=["version 2", "version 1"],
)
def test_the_counters_are_the_kernels_own(
    files: CgroupFiles, counters: dict[str, str], tmp_path: Path, kernel_files: dict[str, str]
) -> None:
    """Guarantees usage, high-water mark and kill count, each from its own file."""
    kernel_files.update(counters)
    folder = tmp_path / "memory_limit"
    memory_limit = CgroupLimit(folder, LIMIT_BYTES, files)

    reading = memory_limit.read()

    assert (reading.usage_bytes, reading.peak_bytes, reading.oom_kills) == (500, 900, 2)
    assert reading.watchdog_kills == 0
    closed_as_a_kernel_would(memory_limit, folder)


def test_without_a_high_water_mark_the_highest_sample_counts(tmp_path: Path, kernel_files: dict[str, str]) -> None:
    """Guarantees a peak on kernels before 5.19, and that a kernel which counts no kills is said to have made none."""
    kernel_files.update({"memory.current": "700", "memory.events": "low 0\n"})
    folder = tmp_path / "memory_limit"
    memory_limit = CgroupLimit(folder, LIMIT_BYTES, V2)
    assert memory_limit.read().usage_bytes == 700
    (folder / "memory.current").write_text("400")

    reading = memory_limit.read()

    assert (reading.usage_bytes, reading.peak_bytes, reading.oom_kills) == (400, 700, 0)
    closed_as_a_kernel_would(memory_limit, folder)


def test_a_memory_limit_that_is_there_already_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Guarantees that the processes in a cgroup of that name, which are not ours, are not killed."""
    folder = tmp_path / "memory_limit"
    folder.mkdir()
    (folder / "cgroup.procs").write_text("1\n")

    with pytest.raises(NotEnforceableError, match="can't be made \\(File exists\\); run as root, or let the watchdog"):
        CgroupLimit(folder, LIMIT_BYTES, V2)

    assert (folder / "cgroup.procs").read_text() == "1\n"


def test_a_limit_that_the_kernel_refuses_leaves_no_cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that a half-made memory limit is removed again, and the refusal said."""

    def refuse(path: Path, _text: str) -> int:
        raise OSError(22, "Invalid argument", str(path))

    monkeypatch.setattr(Path, "write_text", refuse)
    folder = tmp_path / "memory_limit"

    with pytest.raises(NotEnforceableError, match=r"no memory limit could be set in .*Invalid argument"):
        CgroupLimit(folder, LIMIT_BYTES, V2)

    assert not folder.exists()


def test_a_parent_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Guarantees a sentence where the hierarchy is gone or is no folder."""
    with pytest.raises(NotEnforceableError, match="No such file or directory"):
        CgroupLimit(tmp_path / "gone" / "memory_limit", LIMIT_BYTES, V2)


def test_a_member_of_another_pid_namespace_is_never_killed_as_0(
    tmp_path: Path, kernel_files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees that the 0 for which the kernel has no pid here is not taken for one: kill(0) is our own group."""
    killed: list[int] = []
    kernel_files["cgroup.procs"] = "0\n0\n"
    folder = tmp_path / "memory_limit"
    memory_limit = CgroupLimit(folder, LIMIT_BYTES, V2)
    monkeypatch.setattr("os.kill", lambda pid, _signal: killed.append(pid))
    monkeypatch.setattr(Path, "rmdir", shutil.rmtree)

    memory_limit.close()

    assert killed == []
    assert not folder.exists()


def test_closing_twice_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that whoever leaves last may close again."""
    monkeypatch.setattr(Path, "rmdir", shutil.rmtree)
    memory_limit = CgroupLimit(tmp_path / "memory_limit", LIMIT_BYTES, V2)
    memory_limit.close()
    memory_limit.close()

    assert not (tmp_path / "memory_limit").exists()
