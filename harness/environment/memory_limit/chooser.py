"""Chooses how the memory limit is enforced on this machine, and proves the choice.

Used by the campaign, ``harness doctor`` and the benchmarks. A cgroup of version 2, else one of version 1, in which a
canary was OOM-killed; else the watchdog, which is said to be an emulation, and why.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environment.memory_limit import canary
from harness.environment.memory_limit.cgroup import CgroupFiles, CgroupLimit
from harness.environment.memory_limit.hierarchies import find_hierarchies
from harness.environment.memory_limit.watchdog import WatchdogLimit
from harness.errors import NotEnforceableError, PartFailedError, UsageError
from harness.record import KillScope

if TYPE_CHECKING:
    from harness.environment.memory_limit.base import MemoryLimit

KINDS = ("auto", "cgroup-v2", "cgroup-v1", "watchdog")
PROC_SELF = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """What this machine can do.

    ``parent`` is the cgroup under which limits are made; None means the watchdog.
    """

    run_id: str
    parent: Path | None
    files: CgroupFiles | None
    why_emulated: str = ""

    @property
    def emulated(self) -> bool:
        """True where the kernel does not enforce the limit."""
        return self.parent is None

    @property
    def kind(self) -> str:
        """``cgroup v1``, ``cgroup v2`` or ``watchdog``."""
        return self.files.kind if self.files else "watchdog"

    @property
    def kills_containers(self) -> bool:
        """True where the kernel itself can kill a whole container; else the supervisor has to."""
        return self.files is not None and bool(self.files.group)

    def open(self, name: str, limit_bytes: int, kills: KillScope = KillScope.PROCESS) -> MemoryLimit:
        """Make a memory limit for one incarnation. Raises NotEnforceableError where the kernel refuses."""
        if self.parent is None or self.files is None:
            return WatchdogLimit(limit_bytes, kills)
        return CgroupLimit(self.parent / f"harness-{self.run_id}-{name}", limit_bytes, self.files, kills)


def choose_memory_limits(run_id: str, kind: str = "auto", *, proc_self: Path = PROC_SELF) -> MemoryLimits:
    """Return the best enforcement that passes the canary; ``kind`` insists on one of ``KINDS``.

    Raises:
        NotEnforceableError: the kind insisted on does not work here.
        UsageError: no such kind.

    """
    if kind not in KINDS:
        raise UsageError(f"no memory limit of kind {kind!r}; there are: {', '.join(KINDS)}")
    if kind == "watchdog":
        return MemoryLimits(run_id, None, None, why_emulated="the watchdog was asked for")
    found = find_hierarchies(proc_self)
    refusals: list[str] = []
    for place in found.places:
        if kind in ("auto", place.files.kind.replace(" ", "-")):
            maker = MemoryLimits(run_id, place.parent, place.files)
            refusal = _refusal_of(maker)
            if refusal is None:
                return maker
            refusals.append(refusal)
    why = "; ".join([*refusals, *found.refusals]) or "no memory cgroup is mounted here"
    if kind == "auto":
        return MemoryLimits(run_id, None, None, why_emulated=why)
    raise NotEnforceableError(f"no {kind} limit can be enforced here: {why}")


def _refusal_of(maker: MemoryLimits) -> str | None:
    """Return why the kernel does not enforce a limit there; None once it has killed the canary."""
    try:
        # Named by our pid: two harnesses that look at the same time must not meet in one memory limit.
        result = canary.prove(maker.open(f"canary-{os.getpid()}", canary.CANARY_LIMIT_BYTES))
    except (NotEnforceableError, PartFailedError) as error:
        return str(error)
    if result.killed_by_kernel:
        return None
    return f"the canary in {maker.parent} ended with {result.exit_status}, oom_kill +{result.oom_kills}"
