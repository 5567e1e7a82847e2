"""Which of a trial's two memory series counts: the one that its memory limit counts.

Used by the memory chart and by its caption, so that both speak of the same figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.record import TrialRecord


def has_cgroup(trial: TrialRecord) -> bool:
    """Tell whether the trial's cgroup was ever sampled."""
    return bool(np.isfinite(trial.memory.cgroup_bytes).any())


def memory_bytes(trial: TrialRecord) -> NDArray[np.float64]:
    """Return the cgroup's figure where any was sampled, else the resident set: one element a sample."""
    return trial.memory.cgroup_bytes if has_cgroup(trial) else trial.memory.rss_bytes
