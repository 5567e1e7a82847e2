"""Was the memory limit a real one, and the one that was asked for?

An emulated limit proves nothing about the kernel's OOM killer: unknown. How memory was used is not judged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.check import Check, MadeOf
from harness.record import Verdict
from harness.record.facts import mib

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult


def check(case: Case) -> CheckResult:
    """The kernel enforced the run's limit; unknown where it was emulated, another or never recorded."""
    limit, asked_bytes = case.trial.limit, case.run.manifest.limit_bytes
    threshold = f"{mib(asked_bytes)}, enforced by the kernel"
    if limit is None:
        detail = "The trial ended before its limit was set."
        return case.result(CHECK.name, Verdict.UNKNOWN, "not recorded", threshold, detail)
    measured = f"{mib(limit.limit_bytes)} by {limit.kind}"
    if limit.emulated:
        detail = "The limit was emulated by a watchdog. Run as root, where a memory cgroup can be made."
        return case.result(CHECK.name, Verdict.UNKNOWN, f"{measured}, emulated", threshold, detail)
    if limit.limit_bytes != asked_bytes:
        detail = f"{limit.limit_bytes} bytes were set, {asked_bytes} were asked for."
        return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, detail)
    return case.result(CHECK.name, Verdict.PASS, measured, threshold)


CHECK = Check("memory limit", check, made_of=MadeOf.EVERY)
