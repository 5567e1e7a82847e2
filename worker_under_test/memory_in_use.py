"""The process's memory by kind, as the kernel counts it: its own pages, and what its cgroup is charged.

``flight_recorder`` reads it several times a second, up to the moment of an OOM kill. So the files are opened once and
read again in place: opening one takes kernel memory, which a cgroup at its limit does not have.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_READ_BYTES_MAX = 16_384
# Of /proc/<pid>/status, in kB; of a cgroup's memory.stat, in bytes: version 2's names, then version 1's.
_STATUS = {"VmRSS": "rss", "VmHWM": "rss_peak", "RssAnon": "anon", "RssFile": "file", "RssShmem": "shmem"}
_STATUS |= {"Threads": "threads"}
_STAT = {"anon": "anon", "file": "file", "kernel": "kernel", "rss": "anon", "cache": "file"}
_USAGE = ("memory.current", "memory.usage_in_bytes")
_KERNEL = "memory.kmem.usage_in_bytes"  # version 1; version 2 has it in memory.stat


class MemoryInUse:
    """A context manager that holds the files open. What the machine does not have is left out."""

    def __init__(self, proc_self: Path = Path("/proc/self")) -> None:
        self._proc_self = proc_self
        self._open = ExitStack()
        self._files: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._take("status", self._proc_self / "status")
        cgroup = cgroup_folder(self._proc_self)
        if cgroup is not None:
            for name in (*_USAGE, "memory.stat", _KERNEL):
                self._take(name, cgroup / name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def bytes_by_kind(self) -> dict[str, int]:
        """Return bytes by kind: ``rss, rss_peak, anon, file, shmem, cgroup, cgroup_anon, …``, and ``threads``."""
        found: dict[str, int] = {}
        for line in self._lines("status"):
            name, _, value = line.partition(b":")
            key = _STATUS.get(name.decode())
            if key is not None:
                found[key] = int(value.split()[0]) * (1 if key == "threads" else 1024)
        for usage in (*_USAGE, _KERNEL):
            for line in self._lines(usage):
                found["cgroup_kernel" if usage == _KERNEL else "cgroup"] = int(line)
        for line in self._lines("memory.stat"):
            name, _, value = line.partition(b" ")
            key = _STAT.get(name.decode())
            if key is not None:
                found[f"cgroup_{key}"] = int(value)
        return found

    def _take(self, name: str, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return  # another version of cgroups, or another system
        self._files[name] = descriptor
        self._open.callback(os.close, descriptor)

    def _lines(self, name: str) -> list[bytes]:
        descriptor = self._files.get(name)
        if descriptor is None:
            return []
        try:
            return os.pread(descriptor, _READ_BYTES_MAX, 0).splitlines()
        except OSError:  # a cgroup that was removed
            return []


def cgroup_folder(proc_self: Path) -> Path | None:
    """Return the folder of the memory cgroup that the process is in; None where none is mounted.

    Inside a container the path that the kernel names may not be mounted; then the folder is the mount itself.
    """
    try:
        mounts = (proc_self / "mounts").read_text(encoding="utf-8", errors="replace").splitlines()
        groups = (proc_self / "cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    paths = {controllers: path for _, controllers, path in (line.split(":", 2) for line in groups)}
    for mount in mounts:
        _, mount_point, kind, options = mount.split()[:4]
        is_memory_v1 = kind == "cgroup" and "memory" in options.split(",")
        if not is_memory_v1 and kind != "cgroup2":
            continue
        path = next((p for names, p in paths.items() if is_memory_v1 == ("memory" in names.split(","))), "/")
        for folder in (Path(mount_point) / path.lstrip("/"), Path(mount_point)):
            if any((folder / name).exists() for name in _USAGE):
                return folder
    return None
