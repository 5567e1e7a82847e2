"""What of a run is on this machine: processes, memory cgroups, containers, ports, files. Looks, and changes nothing.

``sweep`` acts on it, ``run_scope`` consults it on leaving, and tests and the commands prove with it that a run left
nothing behind. A process belongs to a run when its environment says so (HARNESS_RUN_ID); a cgroup, when its name does
(``harness-<run id>`` or ``harness-<run id>-…``); a container, when its label does.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.environment.container.docker_client import find_containers
from harness.environment.run.outside_folders import outside_folders
from harness.environment.run.state_folder import CGROUP_PREFIX, RUN_ID_VARIABLE, state_root

# A census is for reading: the first files and the fact that there are more.
_FILES_MAX = 100
_COMMAND_CHARS_MAX = 160


@dataclass(frozen=True, slots=True)
class SeenProcess:
    """A process of a run."""

    pid: int
    command: str


@dataclass(frozen=True, slots=True)
class Census:
    """All of one run that is on this machine. A run that is over leaves a clean one."""

    run_id: str
    processes: tuple[SeenProcess, ...]
    cgroups: tuple[Path, ...]
    containers: tuple[str, ...]  # ids
    ports: tuple[int, ...]  # TCP ports on which one of the processes listens
    files: tuple[Path, ...]  # the state folder, those outside it, and what is in them, at most 100

    @property
    def clean(self) -> bool:
        """True when nothing at all is left."""
        return self.nothing_runs and not (self.ports or self.files)

    @property
    def nothing_runs(self) -> bool:
        """True when no process, cgroup or container is left; its files may be."""
        return not (self.processes or self.cgroups or self.containers)

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The census, one thing a line."""
        if self.clean:
            return f"run {self.run_id}: nothing left"
        lines = [f"run {self.run_id}:"]
        lines += [f"  process {seen.pid}: {seen.command}" for seen in self.processes]
        lines += [f"  memory cgroup {folder}" for folder in self.cgroups]
        lines += [f"  container {container}" for container in self.containers]
        lines += [f"  listening on port {port}" for port in self.ports]
        lines += [f"  file {path}" for path in self.files]
        return "\n".join(lines)


def census(run_id: str, root: Path | None = None) -> Census:
    """Look for all that belongs to ``run_id``.

    The process that asks, and its ancestors, are not counted: they outlive the run they ask about. ``root`` is where
    state folders are (``state_folder.state_root()`` by default).
    """
    processes = find_processes(run_id)
    return Census(
        run_id=run_id,
        processes=processes,
        cgroups=find_cgroups(run_id),
        containers=find_containers(run_id),
        ports=_listening_ports(processes),
        files=_files(run_id, root),
    )


def find_processes(run_id: str) -> tuple[SeenProcess, ...]:
    """Return the processes whose environment carries the run's id, without ourselves and our ancestors.

    Those of this user; for root, those of anybody.
    """
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) in spared:
            continue
        # It may end while it is looked at, or belong to somebody else. A zombie's environment is empty: it is no longer
        # anything.
        with contextlib.suppress(OSError):
            if _carries(entry, run_id):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found.append(SeenProcess(int(entry.name), command[:_COMMAND_CHARS_MAX]))
    return tuple(found)


def belongs_to_run(pid: int, run_id: str) -> bool:
    """Say whether process ``pid`` carries the run's id; False when it is gone or may not be looked at."""
    try:
        return _carries(Path("/proc") / str(pid), run_id)
    except OSError:
        return False


def memory_cgroup_roots() -> tuple[Path, ...]:
    """Return where memory cgroup hierarchies are mounted: v1 with the memory controller, and v2."""
    roots = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _device, mount_point, kind, options, *_ = line.split(" ")
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
            roots.append(Path(mount_point))
    return tuple(roots)


def find_cgroups(run_id: str) -> tuple[Path, ...]:
    """Return the run's memory cgroups in every mounted hierarchy, the deepest first: so they can be removed."""
    name = f"{CGROUP_PREFIX}{run_id}"
    found: list[Path] = []
    for root in memory_cgroup_roots():
        for folder, _, _ in os.walk(root):
            path = Path(folder)
            if any(part == name or part.startswith(f"{name}-") for part in path.relative_to(root).parts):
                found.append(path)
    return tuple(sorted(found, key=lambda path: -len(path.parts)))


def _carries(process: Path, run_id: str) -> bool:
    return f"{RUN_ID_VARIABLE}={run_id}".encode() in (process / "environ").read_bytes().split(b"\0")


def _listening_ports(processes: tuple[SeenProcess, ...]) -> tuple[int, ...]:
    ports = set()
    for seen in processes:
        with contextlib.suppress(psutil.Error):
            connections = psutil.Process(seen.pid).net_connections(kind="tcp")
            ports |= {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
    return tuple(sorted(ports))


def _files(run_id: str, root: Path | None) -> tuple[Path, ...]:
    folder = (root if root is not None else state_root()) / run_id
    if not folder.exists():
        return ()
    folders = (folder, *outside_folders(folder))
    inside = [Path(parent) / name for each in folders for parent, _, names in os.walk(each) for name in names]
    return (*folders, *sorted(inside))[:_FILES_MAX]
