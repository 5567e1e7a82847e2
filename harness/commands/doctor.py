"""``harness doctor``: part by part, what was found, what is missing and the remedy; is a memory limit real?

Two parts are tried rather than looked up: how fast the machine hands out memory, and whether it limits it.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import psutil

from harness.commands.steps import options
from harness.commands.steps.output import results
from harness.environment import memory_pace
from harness.environment.memory_limit import choose_memory_limits
from harness.environment.parts import Part, find_parts
from harness.errors import HarnessError

_CANARY_RUN_ID = "doctor-canary"


def doctor(as_json: options.Json = False) -> int:
    """Say what is here, what is missing and what to do about it.

    Exit 0 when a trial can run, 3 when its memory limit would only be emulated, 4 when a part is missing.

    \b
    Examples:
      harness doctor
      harness doctor --json
    """
    parts = (*find_parts(), memory_pace_part(), memory_limit_part())
    console = results()
    if as_json:
        console.print(json.dumps([asdict(part) for part in parts], indent=2, default=str), markup=False)
    else:
        for part in parts:
            console.print(_line(part), markup=False)
    if any(part.needed and not part.found for part in parts):
        return HarnessError.exit_code
    return 0 if parts[-1].found else 3


def memory_pace_part() -> Part:
    """Take as much memory as the incident's worker does, for a moment, and say how long the machine took to give it."""
    size = f"{memory_pace.SIZE_BYTES // 2**20} MiB"
    if psutil.virtual_memory().available < 2 * memory_pace.SIZE_BYTES:
        remedy = f"less than twice {size} is free: end what holds memory"
        return Part("memory pace", None, "not tried", remedy, needed=False)
    took_s = memory_pace.measured()
    if took_s is None:
        remedy = (
            f"a process that took {size} was killed, or stuck: what limits memory here leaves no room for a workload"
        )
        return Part("memory pace", None, "not measured", remedy, needed=False)
    shown = f"{size} in {took_s:.1f} s"
    if took_s < memory_pace.SLOW_S:
        return Part("memory pace", shown, None, "", needed=False)
    remedy = (
        "a workload of 3 MB messages comes late here, and is unknown: play it on a fresh machine, or not a virtual one"
    )
    return Part("memory pace", None, shown, remedy, needed=False)


def memory_limit_part() -> Part:
    """Prove on a canary whether the kernel enforces a memory limit here."""
    memory_limits = choose_memory_limits(_CANARY_RUN_ID)
    if memory_limits.emulated:
        remedy = f"{memory_limits.why_emulated}; run as root, or delegate a memory cgroup"
        return Part("memory limit", None, "emulated by a watchdog", remedy, needed=False)
    return Part(
        "memory limit", str(memory_limits.parent), f"{memory_limits.kind}: a canary was OOM-killed", "", needed=False
    )


def _line(part: Part) -> str:
    mark = "ok  " if part.found else ("MISS" if part.needed else "none")
    remedy = f"  →  {part.remedy}" if not part.found and part.remedy else ""
    return f"{mark} {part.name:<14} {part.version or ''}  {part.found or ''}{remedy}".rstrip()
