"""Which lines of code hold more memory than before: the captures of a gate's two profiled repeats, site by site.

Used by ``play`` when the gate is red. A site is a function of a file: line numbers move from build to build. It reads
captures; it profiles nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from harness.record import MIB
from harness.record.facts import mib
from harness.record.gate import BASELINE, CANDIDATE
from reports.analysis.heap_profile import highest_heap_profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reports.analysis.heap_profile import AllocationSite

_TOP = 5
_LINE = re.compile(r":\d+ ")
_GROWN_BYTES_MIN = MIB // 4  # below that two repeats differ by chance


def grown(run: Path) -> tuple[tuple[str, ...], str]:
    """Return the sites that grew most, as lines of text, and where they come from or why there are none."""
    after, before = highest_heap_profile(run, CANDIDATE), highest_heap_profile(run, BASELINE)
    if after is None:
        return (), "No allocation sites are known: the candidate was not repeated under memray, or left no capture."
    if before is None:
        lines = tuple(f"{site.location}: {mib(site.size_bytes)}" for site in after.at_peak[:_TOP])
        return lines, "The candidate's heaviest allocation sites at its heap's peak, from one repeat under memray."
    heaps = f"heap's peak {mib(before.peak_bytes)} → {mib(after.peak_bytes)}"
    moments = (("at the heap's peak", before.at_peak, after.at_peak), ("at the end", before.at_end, after.at_end))
    for moment, then, now in moments:
        if lines := _growth(then, now):
            return lines, f"Allocation sites that hold more {moment}, from one repeat of each under memray; {heaps}."
    return (), f"No allocation site grew by {mib(_GROWN_BYTES_MIN)} ({heaps}): the growth is not in Python's heap."


def _growth(before: Sequence[AllocationSite], after: Sequence[AllocationSite]) -> tuple[str, ...]:
    """Return the sites that hold more than before, the largest growth first."""
    held_before, held_after = _held(before), _held(after)
    grown_by = {name: size_bytes - held_before.get(name, 0) for name, size_bytes in held_after.items()}
    ranked = sorted((name for name in grown_by if grown_by[name] >= _GROWN_BYTES_MIN), key=lambda name: -grown_by[name])
    return tuple(
        f"{name}: {mib(held_before.get(name, 0))} → {mib(held_after[name])} (+{mib(grown_by[name])})"
        for name in ranked[:_TOP]
    )


def _held(found: Sequence[AllocationSite]) -> Mapping[str, int]:
    """Return the bytes that each function holds, of those worth a row; its file by folder and name."""
    held: defaultdict[str, int] = defaultdict(int)
    for site in found:
        if not site.stack:
            continue  # all lighter sites: of how many lines they are says nothing of the build
        file, _, function = _LINE.sub(" ", site.location, count=1).partition(" ")
        held[f"{'/'.join(file.split('/')[-2:])} {function}"] += site.size_bytes
    return held
