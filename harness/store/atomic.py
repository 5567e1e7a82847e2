"""Writes one file whole or not at all, and turns what the disk refuses into an error with its remedy.

Used by every module of this folder that writes. A temporary file stands beside the target until it is renamed; one
whose writer was killed is removed by the next. It knows nothing of what is written.
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from harness.errors import RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HALF = re.compile(r"\.(?P<name>.+)\.(?P<pid>[0-9]+)\.tmp")
_ELSEWHERE = "make it writable or choose --runs-dir"
_REMEDIES = {errno.EROFS: _ELSEWHERE, errno.EACCES: _ELSEWHERE, errno.EPERM: _ELSEWHERE}


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write ``content`` to ``path`` whole or not at all: a temporary file beside it, then a rename.

    Raises RunDirectoryError where it can't be written; no temporary file stays behind, whatever goes wrong.
    """
    temporary = half_file(path)
    data = content.encode(errors="replace") if isinstance(content, str) else content
    with refusals_named(path):
        remove_abandoned(path.parent)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


@contextmanager
def refusals_named(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a RunDirectoryError with its remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        remedy = _REMEDIES.get(error.errno or 0, "free some disk or choose --runs-dir")
        raise RunDirectoryError(f"{path} can't be written: {reason}; {remedy}") from error


def half_file(path: Path) -> Path:
    """Return the name under which this process writes what is to be ``path``: in the same folder, and hidden."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_abandoned(folder: Path) -> None:
    """Remove the half-files in ``folder`` whose writers were killed. One whose writer may be alive stays."""
    with suppress(OSError):
        for path in folder.iterdir():
            named = _HALF.fullmatch(path.name)
            if named is not None and not _is_alive(int(named["pid"])):
                with suppress(OSError):
                    path.unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
