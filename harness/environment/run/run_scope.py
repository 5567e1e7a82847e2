"""A run: its id, its state folder, the folder for its parts' data, and the environment its processes get.

Entered once, around everything a run does; ``sweep`` ends what a run left that died within. It ends no process itself,
and it is the one module of the rig that reads the environment.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Self

from harness.environment.run.census import census
from harness.environment.run.outside_folders import remove_outside_folders
from harness.environment.run.state_folder import (
    LOCK_NAME,
    MODE_OWNER_ONLY,
    RUN_ID_VARIABLE,
    lock_folder,
    make_root,
    state_root,
)
from harness.errors import UsageError
from harness.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

# It becomes part of folder, cgroup, container and node names.
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,79}")
# A sweep that looks at our folder in the moment we make it holds the lock until it has removed it; that takes seconds
# at most.
_LOCK_TIMEOUT_S = 30.0


class RunScope:
    """A context manager: within it the run is alive, and ``tmp`` is a folder for its parts' data.

    On leaving, the data are removed and the lock is released. The state folder goes too, unless something of the run is
    still there (see ``census``): then it stays, and the next sweep ends what was left.

    Args:
        run_id: 4 to 80 characters of letters, digits, ``-`` and ``_``. UsageError otherwise.
        root: Where the state folders are; ``state_root()`` by default. Tests have their own.

    """

    def __init__(self, run_id: str, root: Path | None = None) -> None:
        if _RUN_ID.fullmatch(run_id) is None:
            raise UsageError(
                f"run id {run_id!r}: use 4 to 80 letters, digits, '-' and '_', beginning with a letter or a digit"
            )
        self.run_id = run_id
        self.root = root if root is not None else state_root()
        self._lock_fd: int | None = None

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self.root / self.run_id

    @property
    def tmp(self) -> Path:
        """A folder for the parts' data: large, private, gone with the run."""
        return self.folder / "tmp"

    def environment(self, **extra: str) -> dict[str, str]:
        """Return the environment for a process of this run: ours, HARNESS_RUN_ID and ``extra``, and no HTTP proxy.

        Everything in a trial talks to loopback; a proxy from the environment would carry it off the machine.
        """
        ours = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return {**ours, RUN_ID_VARIABLE: self.run_id, **extra}

    def __enter__(self) -> Self:
        make_root(self.root)
        self._lock_fd = wait_for(f"the lock of run {self.run_id} to be free", self._try_lock, timeout_s=_LOCK_TIMEOUT_S)
        self.tmp.mkdir(mode=MODE_OWNER_ONLY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock_fd is None:
            return
        shutil.rmtree(self.tmp, ignore_errors=True)
        remove_outside_folders(self.folder)
        if census(self.run_id, self.root).nothing_runs:
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock_fd)
        self._lock_fd = None

    def _try_lock(self) -> int | None:
        self.folder.mkdir(mode=MODE_OWNER_ONLY, exist_ok=True)
        lock_fd = lock_folder(self.folder)
        if lock_fd is not None and any(entry.name != LOCK_NAME for entry in self.folder.iterdir()):
            os.close(lock_fd)
            raise UsageError(f"run {self.run_id} was already there and died; sweep it, or choose another run id")
        # 0 is a false value but never a lock: it is stdin.
        return lock_fd
