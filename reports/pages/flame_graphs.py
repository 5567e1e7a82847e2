"""Renders memray's flame graphs of a capture, each one page that works offline: at the end, at the peak, over time.

Used by ``reports.pages.heap_pages``. The records are handed over as they were read; only the graph over time reads the
capture itself, because it takes other records. Threads are merged: ten that do the same are one tower.
"""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from memray.reporters.flamegraph import FlameGraphReporter

from reports.analysis.heap_profile import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from memray import AllocationRecord, FileReader

    from reports.analysis.heap_groups import Frame

# Steps of the curve in the page over time: each record of it carries its interval, and a page of 1000 still opens.
OVER_TIME_SNAPSHOTS_MAX = 1_000
_ANY_THREAD = -1  # memray's own mark of a record that belongs to no thread in particular
_MEMRAY_TITLES = ("temporal flamegraph report", "flamegraph report")
_TITLES = 2  # of a page: in its head, and where it is read
_STYLE = "<style>.navbar a { white-space: normal }</style>"  # a title is as long as it is, and a telephone narrow


@dataclass(frozen=True, slots=True)
class _Merged:
    """A record as memray's reporter reads it, without its thread."""

    record: AllocationRecord
    tid: int = _ANY_THREAD

    @property
    def size(self) -> int:
        return self.record.size

    @property
    def n_allocations(self) -> int:
        return self.record.n_allocations

    def stack_trace(self) -> Sequence[Frame]:
        return self.record.stack_trace()


def flame_graph(reader: FileReader, records: Iterable[AllocationRecord], title: str) -> str:
    """Return the flame graph of ``records``, which ``reader`` still has open, as a page.

    memray's page "of leaks" is not used: it warns of pools of small objects, in words that take a kill for a leak.
    """
    reporter = FlameGraphReporter.from_snapshot(
        cast("Iterable[AllocationRecord]", map(_Merged, records)),
        memory_records=tuple(reader.get_memory_snapshots()),
        native_traces=reader.metadata.has_native_traces,
    )
    return _page(reporter, reader, title)


def flame_over_time(capture: Path, title: str) -> str:
    """Return the flame graph of any interval of the incarnation, chosen in the page on the curve of the heap.

    Raises:
        OSError: the capture can't be read.
    """
    with opened(capture, OVER_TIME_SNAPSHOTS_MAX) as reader:
        records, highest = reader.get_temporal_high_water_mark_allocation_records(merge_threads=True)
        reporter = FlameGraphReporter.from_temporal_snapshot(
            records,
            memory_records=tuple(reader.get_memory_snapshots()),
            native_traces=reader.metadata.has_native_traces,
            high_water_mark_by_snapshot=highest,
        )
        return _page(reporter, reader, title)


def _page(reporter: FlameGraphReporter, reader: FileReader, title: str) -> str:
    """Return the page, with a title that says of what and of which moment it is."""
    page = io.StringIO()
    reporter.render(page, reader.metadata, show_memory_leaks=False, merge_threads=True, inverted=False, no_web=True)
    source = page.getvalue().replace("</head>", f"{_STYLE}</head>", 1)
    for theirs in _MEMRAY_TITLES:
        source = source.replace(theirs, html.escape(title), _TITLES)
    return source
