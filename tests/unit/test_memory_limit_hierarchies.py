"""Where a memory cgroup could be made: read from two files of /proc, version 2 first, and never a crash."""

from pathlib import Path

import pytest

from harness.environment.memory_limit.cgroup import V1, V2
from harness.environment.memory_limit.hierarchies import Place, find_hierarchies


class Machine:
    """A machine that is nothing but folders: its ``/proc/self`` and what is mounted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.proc_self = root / "proc"
        self.proc_self.mkdir()
        self.mounts: list[str] = []
        self.says("cgroup", "")

    def says(self, name: str, text: str) -> None:
        """Write a file of ``/proc/self``."""
        (self.proc_self / name).write_text(text, encoding="utf-8")

    def mounted(self, name: str, kind: str, options: str) -> Path:
        """Mount a hierarchy and return its folder."""
        folder = self.root / name
        folder.mkdir()
        escaped = str(folder).replace(" ", "\\040")
        self.mounts.append(f"36 25 0:31 / {escaped} rw,nosuid - {kind} {kind} rw,{options}")
        self.says("mountinfo", "\n".join(["25 1 0:1 / / rw - ext4 /dev/vda rw", *self.mounts]))
        return folder

    def hands_down(self, folder: Path, controllers: str) -> Path:
        """Make a version 2 cgroup that hands ``controllers`` down to its children."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.subtree_control").write_text(controllers + "\n")
        return folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any cgroup."""
    return Machine(tmp_path)


def test_a_version_1_hierarchy_counts_where_it_has_the_memory_controller(machine: Machine) -> None:
    """Guarantees that cpu, pids and the like are passed over."""
    machine.mounted("cpu", "cgroup", "cpu,cpuacct")
    memory = machine.mounted("memory", "cgroup", "memory")

    found = find_hierarchies(machine.proc_self)

    assert found.places == (Place(V1, memory),)
    assert found.refusals == ()


def test_version_2_comes_before_version_1_and_its_root_before_our_own_ancestors(machine: Machine) -> None:
    """Guarantees the order of trying, whatever the order of mounting, and each place once."""
    memory = machine.mounted("memory", "cgroup", "memory")
    unified = machine.hands_down(machine.mounted("unified", "cgroup2", "nsdelegate"), "cpu memory pids")
    user = machine.hands_down(unified / "user.slice" / "me", "memory")
    machine.hands_down(unified / "user.slice", "cpu")
    machine.says("cgroup", "4:memory:/somewhere\n0::/user.slice/me\n")

    assert find_hierarchies(machine.proc_self).places == (Place(V2, unified), Place(V2, user), Place(V1, memory))


def test_a_version_2_hierarchy_that_hands_no_memory_down_is_refused_with_the_reason(machine: Machine) -> None:
    """Guarantees that a person is told why the limit is emulated, not that nothing is mounted."""
    unified = machine.hands_down(machine.mounted("unified", "cgroup2", ""), "cpu pids memoryish")

    found = find_hierarchies(machine.proc_self)

    assert found.places == ()
    assert found.refusals == (f"{unified} (version 2) hands no memory controller down to its children",)


def test_a_mount_point_with_a_space_in_it_is_found(tmp_path: Path) -> None:
    """Guarantees that mountinfo's octal numbers are read as the characters they stand for."""
    (tmp_path / "a b").mkdir()
    machine = Machine(tmp_path / "a b")
    memory = machine.mounted("memory", "cgroup", "memory")

    assert find_hierarchies(machine.proc_self).places == (Place(V1, memory),)


def test_a_cgroup_outside_of_what_is_mounted_is_no_place(machine: Machine) -> None:
    """Guarantees that a namespaced path such as /../../elsewhere leads nowhere."""
    unified = machine.hands_down(machine.mounted("unified", "cgroup2", ""), "memory")
    machine.says("cgroup", "0::/../../elsewhere\n")

    assert find_hierarchies(machine.proc_self).places == (Place(V2, unified),)


def test_without_any_of_the_files_there_is_no_place(tmp_path: Path) -> None:
    """Guarantees an answer on a machine that is no Linux, or where /proc is not mounted."""
    found = find_hierarchies(tmp_path)

    assert (found.places, found.refusals) == ((), ())
