"""State folders: one for each run of this user, each with a lock that only a living harness holds.

``run_scope`` makes and holds them, ``census`` looks into them, ``sweep`` removes those of the dead. The lock is the
kernel's (flock): any death of its holder releases it, kill -9 included, and no child inherits it.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from pathlib import Path

from harness.errors import PartFailedError

RUN_ID_VARIABLE = "HARNESS_RUN_ID"  # in the environment of every process of a run
CONTAINER_LABEL = "harness.run"  # on every container of a run
CGROUP_PREFIX = "harness-"  # before the run id, in the name of every memory cgroup of a run
LOCK_NAME = "lock"
MODE_OWNER_ONLY = 0o700


def state_root() -> Path:
    """Return ``<tmp>/incident-harness-<uid>``, where every run of this user has a folder. It need not exist."""
    return Path(tempfile.gettempdir()) / f"incident-harness-{os.getuid()}"


def make_root(root: Path) -> None:
    """Make the folder of state folders. Raises PartFailedError when it is another's, or open to others."""
    root.mkdir(mode=MODE_OWNER_ONLY, parents=True, exist_ok=True)
    status = root.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PartFailedError(
            f"{root} is not a folder of this user alone (mode 0700); remove it, or set TMPDIR to another place"
        )


def lock_folder(folder: Path) -> int | None:
    """Take the lock of a state folder; return its file descriptor, or None when it is held or the folder is gone.

    Closing the descriptor releases the lock. A folder that was removed between opening and locking would give a lock on
    nothing: the inode is compared.
    """
    path = folder / LOCK_NAME
    try:
        lock_fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(lock_fd).st_ino:
            return lock_fd
    except (BlockingIOError, FileNotFoundError):
        pass  # held by the living, or removed by a sweep: no lock for us either way
    os.close(lock_fd)
    return None
