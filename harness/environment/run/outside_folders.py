"""Folders of a run that lie outside its state folder, because another user must get at them.

A state folder is for its owner alone, and so is every folder below it. PostgreSQL refuses to run as root; the user
that runs it instead needs a folder that he can reach. It is named in the state folder before it is made, so that the
sweep of a dead run finds it. ``run_scope`` and ``sweep`` remove it; ``census`` counts what is in it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environment.run.state_folder import MODE_OWNER_ONLY
from harness.errors import WaitTimeoutError
from harness.waiting import wait_for

if TYPE_CHECKING:
    from pwd import struct_passwd

_RECORD_NAME = "outside-folders"  # in the state folder: one path a line
_PREFIX = "incident-harness-outside-"
# The servers in it have been killed; the last of their processes may still be on its way out, writing.
_REMOVE_TIMEOUT_S = 10.0
_IPCRM_TIMEOUT_S = 5.0
# The line of PostgreSQL's pid file with the key and the id of its shared memory segment.
_SEGMENT_LINE = 6


def make_outside_folder(state_folder: Path, owner: struct_passwd | None) -> Path:
    """Make a folder for ``owner`` alone, by default for us, and return it."""
    folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{secrets.token_hex(8)}"
    with (state_folder / _RECORD_NAME).open("a", encoding="utf-8") as record:
        record.write(f"{folder}\n")
    folder.mkdir(mode=MODE_OWNER_ONLY)
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def outside_folders(state_folder: Path) -> tuple[Path, ...]:
    """Return the run's outside folders that are there."""
    try:
        lines = (state_folder / _RECORD_NAME).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    folders = (Path(line) for line in lines)
    return tuple(folder for folder in folders if folder.name.startswith(_PREFIX) and folder.is_dir())


def remove_outside_folders(state_folder: Path) -> None:
    """Remove them, once their processes were ended. What can't be removed stays named in the record."""
    for folder in outside_folders(state_folder):
        for pid_file in folder.glob("*/postmaster.pid"):
            _remove_segment(pid_file)

    def all_gone() -> bool:
        for folder in outside_folders(state_folder):
            shutil.rmtree(folder, ignore_errors=True)
        return not outside_folders(state_folder)

    with contextlib.suppress(WaitTimeoutError):
        wait_for("the run's outside folders to be gone", all_gone, timeout_s=_REMOVE_TIMEOUT_S)


def _remove_segment(pid_file: Path) -> None:
    """Remove the shared memory segment of a PostgreSQL that was killed: nothing else would, until the next boot."""
    with contextlib.suppress(OSError, IndexError, subprocess.SubprocessError):
        _key, segment = pid_file.read_text(encoding="utf-8").splitlines()[_SEGMENT_LINE].split()
        subprocess.run(["ipcrm", "--shmem-id", segment], check=True, capture_output=True, timeout=_IPCRM_TIMEOUT_S)
