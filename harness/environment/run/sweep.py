"""The sweep: ends what dead runs left behind. Called when the harness starts.

A run is dead when its lock can be taken (``state_folder``). The lock is held while the run is swept, so that two
sweeps, or a sweep and a start, do not meet. Live runs, and processes that carry no run id, are never touched. What
could not be ended is reported, not raised: the next sweep tries again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.environment.container.docker_client import remove_containers
from harness.environment.run.census import Census, SeenProcess, belongs_to_run, census, find_cgroups, find_processes
from harness.environment.run.outside_folders import outside_folders, remove_outside_folders
from harness.environment.run.state_folder import lock_folder, make_root, state_root
from harness.errors import WaitTimeoutError
from harness.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

# A killed process that forks faster than we look, or one stuck in the kernel, must not hold up the next run.
_END_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class SweptRun:
    """One dead run, and what was ended of it."""

    run_id: str
    processes: tuple[SeenProcess, ...]
    cgroups: tuple[Path, ...]
    containers: tuple[str, ...]  # ids
    left: Census  # clean, unless something could not be ended


@dataclass(frozen=True, slots=True)
class SweepReport:
    """All dead runs that a sweep found; empty when there was none."""

    runs: tuple[SweptRun, ...]

    @property
    def clean(self) -> bool:
        """True when nothing of any dead run is left."""
        return all(run.left.clean for run in self.runs)

    @property
    def text(self) -> str:
        """One line a run, and what could not be ended; empty when no dead run was found."""
        lines = []
        for run in self.runs:
            lines.append(
                f"swept dead run {run.run_id}: ended {len(run.processes)} processes, "
                f"{len(run.cgroups)} memory cgroups, {len(run.containers)} containers",
            )
            if not run.left.clean:
                lines.append(f"could not end: {run.left.text}")
        return "\n".join(lines)


def sweep_dead_runs(root: Path | None = None) -> SweepReport:
    """Sweep every dead run of this user. ``root`` holds the state folders; ``state_root()`` by default."""
    root = root if root is not None else state_root()
    if not root.exists():
        return SweepReport(())
    make_root(root)
    swept = []
    for folder in sorted(root.iterdir()):
        lock_fd = lock_folder(folder) if folder.is_dir() else None
        if lock_fd is None:
            continue
        try:
            swept.append(_sweep(folder))
        finally:
            os.close(lock_fd)
    return SweepReport(tuple(swept))


def _sweep(folder: Path) -> SweptRun:
    run_id = folder.name
    containers = remove_containers(run_id)
    processes = _end_processes(run_id)
    cgroups = _remove_cgroups(run_id)
    remove_outside_folders(folder)
    if census(run_id, folder.parent).nothing_runs and not outside_folders(folder):
        # The lock file goes with the folder: whoever opened it meanwhile finds that its inode is no longer there.
        shutil.rmtree(folder, ignore_errors=True)
    return SweptRun(run_id, processes, cgroups, containers, census(run_id, folder.parent))


def _end_processes(run_id: str) -> tuple[SeenProcess, ...]:
    """SIGKILL the run's processes until a look finds none: one may have been about to start another."""
    killed: dict[int, SeenProcess] = {}

    def none_left() -> bool:
        seen = find_processes(run_id)
        for process in seen:
            killed[process.pid] = process
            _kill(process.pid, run_id)
        return not seen

    with contextlib.suppress(WaitTimeoutError):
        wait_for(f"the processes of dead run {run_id} to end", none_left, timeout_s=_END_TIMEOUT_S)
    return tuple(killed.values())


def _kill(pid: int, run_id: str) -> None:
    """SIGKILL the process if it is still one of the run.

    It is held by a pidfd: its id can't pass to a stranger between the look and the signal.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        process_fd = os.pidfd_open(pid)
        try:
            if belongs_to_run(pid, run_id):
                signal.pidfd_send_signal(process_fd, signal.SIGKILL)
        finally:
            os.close(process_fd)


def _remove_cgroups(run_id: str) -> tuple[Path, ...]:
    """Kill what is in the run's cgroups and remove them, the deepest first; return those that are gone."""
    found = find_cgroups(run_id)

    def all_gone() -> bool:
        for group in find_cgroups(run_id):
            with contextlib.suppress(OSError):
                for pid in (group / "cgroup.procs").read_text(encoding="ascii").split():
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(int(pid), signal.SIGKILL)
            # Busy until the kernel has taken the last process out; the next round tries again.
            with contextlib.suppress(OSError):
                group.rmdir()
        return not find_cgroups(run_id)

    with contextlib.suppress(WaitTimeoutError):
        wait_for(f"the memory cgroups of dead run {run_id} to be gone", all_gone, timeout_s=_END_TIMEOUT_S)
    return tuple(group for group in found if not group.exists())
