"""Names the lines of code that held the most memory at the heap's peak, from the captures of a profiled arm.

Used by ``played``. It reads what a run holds; it profiles nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import MIB
from reports.analysis.heap_profile import highest_heap_profile

if TYPE_CHECKING:
    from pathlib import Path

_TOP = 5


def top_sites(run: Path, arm: str) -> str | None:
    """Return a line a site, the heaviest first; None where the run holds no capture of ``arm`` that can be read."""
    highest = highest_heap_profile(run, arm)
    if highest is None:
        return None
    lines = [f"    {site.size_bytes / MIB:7.1f} MiB  {site.location}" for site in highest.at_peak[:_TOP]]
    heading = (
        f"  top allocation sites at the heap's peak of {highest.peak_bytes / MIB:.0f} MiB (memray; heap, not RSS):"
    )
    return "\n".join([heading, *lines])
