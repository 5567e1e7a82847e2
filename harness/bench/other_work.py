"""How much of the machine other work took while a benchmark ran: what says whether its figures are the harness's own.

``suite`` asks before and after each benchmark; a load average would lag by a minute, and count our own processes too.
It looks at clocks only, and stops nobody.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class CpuClocks:
    """Seconds of CPU time, and of real time, so far."""

    mono_s: float
    machine_s: float  # all cores busy, whoever with; what a hypervisor took away included
    ours_s: float  # this process and its children that have ended


def cpu_clocks() -> CpuClocks:
    """Read the clocks now. A child counts once it has been waited for, as every part of a benchmark is at its end."""
    times = psutil.cpu_times()
    ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return CpuClocks(
        mono_s=time.monotonic(),
        machine_s=times.user + times.nice + times.system + times.irq + times.softirq + times.steal,
        ours_s=sum(usage.ru_utime + usage.ru_stime for usage in ours),
    )


def others_share(before: CpuClocks, after: CpuClocks, cores: int | None = None) -> float:
    """Return the share of all cores, 0 to 1, that others took between two readings. ``cores``: this machine's."""
    available_s = (after.mono_s - before.mono_s) * (cores or os.cpu_count() or 1)
    others_s = (after.machine_s - before.machine_s) - (after.ours_s - before.ours_s)
    # The kernel counts the two in ticks of 10 ms, and not at the same moment.
    return min(max(others_s / available_s, 0.0), 1.0) if available_s > 0 else 0.0
