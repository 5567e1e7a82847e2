"""Files on their way to their final name, and those that a killed process left on that way.

Used by ``writing``. The name of such a file ends in the id of the process that writes it; whoever writes there next
removes those of processes that are no more. It knows nothing of what is in them.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HALF = re.compile(r"\.(?P<name>.+)\.(?P<pid>[0-9]+)\.tmp")


def half_file(path: Path) -> Path:
    """Return the name under which this process writes what is to be ``path``: in the same folder, and hidden."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_abandoned(folder: Path) -> None:
    """Remove the half-files in ``folder`` whose writers were killed. One whose writer may be alive stays."""
    with suppress(OSError):
        for path in folder.iterdir():
            named = _HALF.fullmatch(path.name)
            if named is not None and not _incarnations(int(named["pid"])):
                with suppress(OSError):
                    path.unlink()


def _incarnations(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
