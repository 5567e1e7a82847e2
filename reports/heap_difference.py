"""Two heaps side by side, site by site: what the worker as it was held, and what the fixed one holds in its place.

Used by ``reports.memory_profile``. Pure. Each heap is taken at its worst: at the kill where the process was killed,
else at its peak. Sites are matched by file and function, since lines move between versions.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from reports import wording
from reports.tables import Table, columns

if TYPE_CHECKING:
    from harness.record.heap import HeapSummary

_LINE = re.compile(r":\d+ ")


def difference_table(before: HeapSummary, after: HeapSummary) -> Table:
    """Return one row a site with its bytes in both heaps, the largest difference first."""
    held, holds = _by_site(before), _by_site(after)
    sites = sorted({*held, *holds}, key=lambda site: (-abs(held[site] - holds[site]), site))
    return Table(
        "difference",
        "Heap before and after, site by site.",
        columns("Where", "Before#", "After#", "Difference#"),
        tuple(
            (site, wording.mib(held[site]), wording.mib(holds[site]), wording.mib(holds[site] - held[site]))
            for site in sites
        ),
        "Nothing was allocated in either.",
    )


def _by_site(heap: HeapSummary) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for site in heap.sites:
        name = _LINE.sub(" ", site.location) if site.threads else "all lighter sites"
        sizes[name] += site.size_bytes
    return sizes
