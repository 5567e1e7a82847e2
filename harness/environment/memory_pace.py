"""How fast this machine hands out memory that is free.

For the doctor, and for whoever wonders why a workload came late.

A virtual machine may give its free memory back to its host, and pays for it at the next touch. Measured on one that
had worked for hours: 0.4 GiB/s, against 2.4 GiB/s for memory that was in use a moment ago. The incident's burst touches
some 9 GiB in twelve seconds (worker, broker, the broker's files): there it comes 14 to 26 s late, and is unknown.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import time

import numpy as np

_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
# As much as the incident's worker may take: less would be found among the pages that are still warm.
SIZE_BYTES = 3000 * 2**20
SLOW_S = 4.0
_TIMEOUT_S = 60.0


def measured(size_bytes: int = SIZE_BYTES) -> float | None:
    """Touch ``size_bytes`` of new memory in a process of its own; return how many seconds it took.

    None when it was killed, as by a memory limit that lies below, or took longer than a minute.
    """
    argv = [sys.executable, "-m", __name__, str(size_bytes)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return float(done.stdout)


def touch(size_bytes: int) -> float:
    """Touch every page of new memory once, and give it back; return how long the touching took, in seconds."""
    with mmap.mmap(-1, size_bytes, flags=_FLAGS) as memory:
        pages = np.frombuffer(memory, dtype=np.uint8)[:: mmap.PAGESIZE]
        began_s = time.perf_counter()
        pages[:] = 1
        took_s = time.perf_counter() - began_s
        del pages  # a mapping that is still looked at can't be closed
    return took_s


if __name__ == "__main__":
    print(touch(int(sys.argv[1])))  # noqa: T201 - what ``measured`` reads
