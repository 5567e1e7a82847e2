"""The pages of a memray capture: a table of allocation sites, and two flame graphs that work offline.

Used by ``harness.commands`` for each capture of a profiled arm. The exception in this package: it reads the capture
and writes the pages itself, because memray's readers take a path and its captures are too large to hand over as
bytes.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from memray import FileReader
from memray.reporters.flamegraph import FlameGraphReporter

from harness.results.heap import HeapSummary
from reports import wording
from reports.allocation_sites import SNAPSHOTS_MAX, AllocationSite, HeapProfile, read_heap_profile
from reports.heap_difference import difference_table
from reports.pages import environment
from reports.tables import Table, columns

if TYPE_CHECKING:
    from pathlib import Path

Moment = Literal["end", "peak"]

# Steps of the curve in the page over time: each record of it carries its interval, and a page of 1000 still opens.
OVER_TIME_SNAPSHOTS_MAX = 1_000
_THREADS_NAMED_MAX = 3


def render_profile_pages(capture: Path, out_dir: Path) -> tuple[tuple[str, str], ...]:
    """Write the pages of ``capture`` into ``out_dir``; return (label, file name) of each, the table first.

    A capture that can't be read, as of a worker that was killed before memray had begun, gives one page that says so.
    """
    name = capture.stem
    try:
        profile = read_heap_profile(capture)
    except OSError as error:
        page = environment().get_template("unreadable.html.j2").render(capture=capture.name, why=str(error))
        return (_written(out_dir, f"{name}-unreadable.html", f"{name}: capture that can't be read", page),)
    ended = "alive at the kill" if profile.killed else "alive at the end"
    _written(out_dir, f"{name}.json", "", _summary(name, profile))
    return (
        _written(out_dir, f"{name}-allocation-sites.html", f"{name}: allocation sites", sites_page(name, profile)),
        _written(out_dir, f"{name}-flame-at-end.html", f"{name}: flame graph, {ended}", flame_graph(capture, "end")),
        _written(
            out_dir, f"{name}-flame-at-peak.html", f"{name}: flame graph at the peak", flame_graph(capture, "peak")
        ),
        _written(out_dir, f"{name}-flame-over-time.html", f"{name}: flame graph over time", flame_over_time(capture)),
    )


def sites_page(name: str, profile: HeapProfile) -> str:
    """Return the table of allocation sites as a page."""
    ended = "when the process was killed" if profile.killed else "when the process ended"
    return (
        environment()
        .get_template("allocation_sites.html.j2")
        .render(
            name=name,
            profile=profile,
            duration=wording.seconds(profile.duration_s),
            peak=wording.mib(profile.peak_bytes),
            end=wording.mib(profile.end_bytes),
            groups=_group_table(profile),
            at_end=_table("at-end", f"Alive {ended}", profile.at_end),
            at_peak=_table("at-peak", "Alive when the heap was largest", profile.at_peak),
        )
    )


def flame_graph(capture: Path, moment: Moment) -> str:
    """Return memray's flame graph as one page, its scripts inside: what was alive at the end, or at the heap's peak.

    Raises:
        OSError: the capture can't be read.
    """
    with closing(FileReader(capture, max_memory_records=SNAPSHOTS_MAX)) as reader:
        at_end = moment == "end"
        records = (reader.get_leaked_allocation_records if at_end else reader.get_high_watermark_allocation_records)(
            merge_threads=True
        )
        reporter = FlameGraphReporter.from_snapshot(
            records,
            memory_records=tuple(reader.get_memory_snapshots()),
            native_traces=reader.metadata.has_native_traces,
        )
        page = io.StringIO()
        reporter.render(
            page, reader.metadata, show_memory_leaks=at_end, merge_threads=True, inverted=False, no_web=True
        )
        return page.getvalue()


def flame_over_time(capture: Path) -> str:
    """Return the flame graph of any interval of the life, chosen in the page on the curve of the heap.

    Raises:
        OSError: the capture can't be read.
    """
    with closing(FileReader(capture, max_memory_records=OVER_TIME_SNAPSHOTS_MAX)) as reader:
        records, highest = reader.get_temporal_high_water_mark_allocation_records(merge_threads=True)
        reporter = FlameGraphReporter.from_temporal_snapshot(
            records,
            memory_records=tuple(reader.get_memory_snapshots()),
            native_traces=reader.metadata.has_native_traces,
            high_water_mark_by_snapshot=highest,
        )
        page = io.StringIO()
        reporter.render(page, reader.metadata, show_memory_leaks=False, merge_threads=True, inverted=False, no_web=True)
        return page.getvalue()


def _summary(name: str, profile: HeapProfile) -> str:
    life = int(name.rpartition("-")[2]) if name.rpartition("-")[2].isdigit() else 0
    summary = HeapSummary(life, profile.killed, profile.end_bytes, profile.peak_bytes, profile.groups)
    return json.dumps(asdict(summary), indent=2) + "\n"


def render_difference_page(before: Path, after: Path, out_dir: Path) -> tuple[str, str] | None:
    """Write the heaps of two captures side by side, site by site; None where one of them can't be read."""
    try:
        profiles = read_heap_profile(before), read_heap_profile(after)
    except OSError:
        return None
    page = (
        environment()
        .get_template("heap_difference.html.j2")
        .render(before=before.parent.parent.name, after=after.parent.parent.name, sites=difference_table(*profiles))
    )
    return _written(out_dir, "difference-before-after.html", "heap before and after, site by site", page)


def _group_table(profile: HeapProfile) -> Table:
    ended = "at the kill" if profile.killed else "at the end"
    end, peak = max(profile.end_bytes, 1), max(profile.peak_bytes, 1)
    rows = sorted(profile.groups, key=lambda group: -max(group.end_bytes, group.peak_bytes))
    return Table(
        "groups",
        "The whole heap by what it is. memray knows who allocated a block, not who holds it: what an exception keeps"
        " alive is counted as the log, the text or the request that it is.",
        columns("What", f"Heap {ended}#", "Share#", "Heap at the peak#", "Share #"),
        tuple(
            (
                group.name,
                wording.mib(group.end_bytes),
                f"{group.end_bytes / end:.1%}",
                wording.mib(group.peak_bytes),
                f"{group.peak_bytes / peak:.1%}",
            )
            for group in rows
        ),
        "Nothing was allocated.",
    )


def _table(key: str, caption: str, sites: tuple[AllocationSite, ...]) -> Table:
    return Table(
        key,
        caption,
        columns("Where", "Heap#", "Allocations#", "Threads", "Called from"),
        tuple(
            (
                site.location,
                wording.mib(site.size_bytes),
                str(site.allocations),
                _named_threads(site.threads),
                " ← ".join(site.stack[1:5]),
            )
            for site in sites
        ),
        "Nothing was allocated.",
    )


def _named_threads(threads: tuple[str, ...]) -> str:
    more = len(threads) - _THREADS_NAMED_MAX
    return ", ".join(threads[:_THREADS_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _written(out_dir: Path, file_name: str, label: str, page: str) -> tuple[str, str]:
    """Write a page whole or not at all; return its label and name."""
    temporary = out_dir / f".{file_name}.{os.getpid()}.tmp"
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(out_dir / file_name)
    return label, file_name
