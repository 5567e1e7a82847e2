"""Where on this machine a memory cgroup could be made: looks at what is mounted, and tries nothing.

Used by ``chooser``. Version 2 comes before version 1; in version 2 the hierarchy's root before this process's own
cgroup and its ancestors, and only where the memory controller is handed down to children.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.environment.memory_limit.cgroup import V1, V2, CgroupFiles


@dataclass(frozen=True, slots=True)
class Place:
    """A cgroup under which a memory limit may be made."""

    files: CgroupFiles
    parent: Path


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """What was found, and why what is mounted may still be of no use."""

    places: tuple[Place, ...]
    refusals: tuple[str, ...]


def find_hierarchies(proc_self: Path) -> Hierarchies:
    """Return the places to try, best first. ``proc_self`` is ``/proc/self``; files that are missing there hold nothing.

    The two files read are ``mountinfo`` and ``cgroup``, as proc(5) and cgroups(7) describe them.
    """
    version_1: list[Place] = []
    version_2: list[Place] = []
    refusals: list[str] = []
    for line in _lines(proc_self / "mountinfo"):
        before, _, after = line.partition(" - ")
        mount_point = Path(_unescaped(before.split()[4]))
        kind, options = after.split()[0], after.split()[-1].split(",")
        if kind == "cgroup2":
            found = _delegated(mount_point, _own_path(proc_self))
            version_2 += [Place(V2, parent) for parent in found]
            if not found:
                refusals.append(f"{mount_point} (version 2) hands no memory controller down to its children")
        elif kind == "cgroup" and "memory" in options:
            version_1.append(Place(V1, mount_point))
    return Hierarchies(tuple(version_2 + version_1), tuple(refusals))


def _own_path(proc_self: Path) -> str:
    return next((line.removeprefix("0::") for line in _lines(proc_self / "cgroup") if line.startswith("0::")), "/")


def _delegated(mount_point: Path, own_path: str) -> list[Path]:
    """Return the folders of a version 2 hierarchy below which a memory limit can be set."""
    here = mount_point / own_path.lstrip("/")
    places = [mount_point, *(place for place in (here, *here.parents) if place.is_relative_to(mount_point))]
    return [
        place
        for place in dict.fromkeys(places)
        if "memory" in " ".join(_lines(place / "cgroup.subtree_control")).split()
    ]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _unescaped(field: str) -> str:
    """Return a path as mountinfo means it: space, tab, line end and backslash are written as octal numbers."""
    for code in ("040", "011", "012", "134"):
        field = field.replace(f"\\{code}", chr(int(code, 8)))
    return field
