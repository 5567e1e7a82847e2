"""The proof that a memory limit kills.

A small process allocates past a small limit and must be OOM-killed by the kernel.

Used by ``chooser`` before a run and by ``harness doctor``. Takes about a tenth of a second. It decides nothing: what a
canary that survived means is ``chooser``'s to say.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.environment.process import SIGKILL_STATUS, shell_status
from harness.errors import NotEnforceableError

if TYPE_CHECKING:
    from harness.environment.memory_limit.base import MemoryLimit

CANARY_LIMIT_BYTES = 48 * 2**20  # a bare interpreter needs a tenth of it
_ALLOCATE = "b = bytearray(96 * 2**20)"  # twice the limit, every page touched
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """How the canary ended."""

    exit_status: int  # as a shell shows it
    oom_kills: int

    @property
    def killed_by_kernel(self) -> bool:
        """Exit 137 alone only proves SIGKILL; the kernel's own count must have gone up too."""
        return self.exit_status == SIGKILL_STATUS and self.oom_kills > 0


def prove(memory_limit: MemoryLimit) -> CanaryResult:
    """Run the canary in ``memory_limit``, whose limit must be ``CANARY_LIMIT_BYTES``, and close the memory_limit.

    Raises NotEnforceableError on a time-out, and where the memory limit's counters can't be read.
    """
    try:
        ended = subprocess.run(
            [*memory_limit.prefix, sys.executable, "-S", "-c", _ALLOCATE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        return CanaryResult(exit_status=shell_status(ended.returncode), oom_kills=memory_limit.read().oom_kills)
    except subprocess.TimeoutExpired as error:
        raise NotEnforceableError(f"the canary was neither killed nor done after {_TIMEOUT_S:.0f} s") from error
    except (OSError, ValueError) as error:
        raise NotEnforceableError(f"what became of the canary could not be read: {error}") from error
    finally:
        memory_limit.close()
