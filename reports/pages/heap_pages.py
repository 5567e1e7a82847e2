"""Renders the pages of a memray capture: a table of allocation sites, and three flame graphs that work offline.

Used by ``harness.commands`` for each capture of a profiled arm. The exception in this package: it reads the capture
and writes the pages itself, because memray's readers take a path and its captures are too large to hand over as
bytes. Beside them it writes what a report needs of the capture, ``harness.record.heap``.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.record.facts import mib
from harness.record.heap import HeapSite, HeapSummary
from reports import wording
from reports.analysis.heap_profile import AllocationSite, HeapProfile, heap_profile, opened, records_of
from reports.pages.flame_graphs import flame_graph, flame_over_time
from reports.pages.templates import environment
from reports.tables.heaps import difference_table
from reports.tables.table import Table, columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.record.heap import Rule

_THREADS_NAMED_MAX = 3
_CAPTURE = re.compile(r"incarnation-(\d+)(?:-process-(\d+))?")  # named by the trial: of a first process, of a fork


def render_profile_pages(capture: Path, out_dir: Path, rules: Sequence[Rule] = ()) -> tuple[tuple[str, str], ...]:
    """Write the pages of ``capture`` into ``out_dir``; return (label, file name) of each, the table first.

    ``rules`` are the incident's, and name the groups of its worker's own allocations.

    A capture that can't be read, as of a worker that was killed before memray had begun, gives one page that says so.
    """
    name = capture.stem
    whose = f"{capture.parent.parent.name}, {name.replace('-', ' ')}"
    try:
        profile, pages = _read(capture, whose, rules)
    except OSError as error:
        page = environment().get_template("unreadable.html.j2").render(capture=capture.name, why=str(error))
        return (_written(out_dir, f"{name}-unreadable.html", f"{name}: capture that can't be read", page),)
    _written(out_dir, f"{name}.json", "", _summary(name, profile))
    return tuple(_written(out_dir, f"{name}-{file}.html", f"{name}: {label}", page) for file, label, page in pages)


def _read(capture: Path, whose: str, rules: Sequence[Rule]) -> tuple[HeapProfile, list[tuple[str, str, str]]]:
    """Return what the capture holds, and of each page the end of its file's name, its label and its source."""
    with opened(capture) as reader:
        records = records_of(reader)
        profile = heap_profile(reader, records, rules)
        ended = "alive at the kill" if profile.killed else "alive at the end"
        pages = [
            ("allocation-sites", "allocation sites", sites_page(whose, profile)),
            ("flame-at-end", f"flame graph, {ended}", flame_graph(reader, records.at_end, f"{whose}: {ended}")),
            ("flame-at-peak", "flame graph at the peak", flame_graph(reader, records.at_peak, f"{whose}: at the peak")),
        ]
    pages.append(("flame-over-time", "flame graph over time", flame_over_time(capture, f"{whose}: over time")))
    return profile, pages


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
            peak=mib(profile.peak_bytes),
            end=mib(profile.end_bytes),
            groups=_group_table(profile),
            at_end=_table("at-end", f"Alive {ended}", profile.at_end, profile.end_bytes),
            at_peak=_table("at-peak", "Alive when the heap was largest", profile.at_peak, profile.peak_bytes),
        )
    )


def _summary(name: str, profile: HeapProfile) -> str:
    found = _CAPTURE.fullmatch(name)
    incarnation = int(found[1]) if found else 0
    process = int(found[2]) if found and found[2] else None
    sites = tuple(
        HeapSite(site.location, site.size_bytes, site.threads)
        for site in (profile.at_end if profile.killed else profile.at_peak)
    )
    summary = HeapSummary(
        incarnation, profile.killed, profile.end_bytes, profile.peak_bytes, profile.groups, sites=sites, process=process
    )
    return json.dumps(asdict(summary), indent=2) + "\n"


def render_difference_page(before: tuple[str, HeapSummary], after: tuple[str, HeapSummary], out_dir: Path) -> None:
    """Write two heaps side by side, site by site; each is given as its arm and what was read of its capture."""
    sites = difference_table(before[1], after[1])
    page = environment().get_template("heap_difference.html.j2").render(before=before[0], after=after[0], sites=sites)
    _written(out_dir, "difference-before-after.html", "", page)


def _group_table(profile: HeapProfile) -> Table:
    ended = "at the kill" if profile.killed else "at the end"
    end, peak = max(profile.end_bytes, 1), max(profile.peak_bytes, 1)
    rows = sorted(profile.groups, key=lambda group: -max(group.end_bytes, group.peak_bytes))
    rows = [group for group in rows if max(group.end_bytes, group.peak_bytes) >= wording.WORTH_A_ROW_BYTES]
    return Table(
        "groups",
        "The whole heap by what it is. memray knows who allocated a block, not who holds it: what an exception keeps"
        " alive is counted as the message, the text or the request that it is.",
        columns("What", f"Heap {ended}#", "Share#", "Heap at the peak#", "Share #"),
        tuple(
            (
                group.name,
                mib(group.end_bytes),
                f"{group.end_bytes / end:.1%}",
                mib(group.peak_bytes),
                f"{group.peak_bytes / peak:.1%}",
            )
            for group in rows
        ),
        "Nothing was allocated.",
    )


def _table(key: str, caption: str, sites: tuple[AllocationSite, ...], heap_bytes: int) -> Table:
    return Table(
        key,
        caption,
        columns("Where", "Heap#", "Share#", "Allocations#", "Threads", "Called from"),
        tuple(
            (
                site.location,
                mib(site.size_bytes),
                f"{site.size_bytes / max(heap_bytes, 1):.1%}",
                str(site.allocations),
                wording.some_of(site.threads, _THREADS_NAMED_MAX),
                " ← ".join(site.stack[1:5]),
            )
            for site in sites
        ),
        "Nothing was allocated.",
    )


def _written(out_dir: Path, file_name: str, label: str, page: str) -> tuple[str, str]:
    """Write a page whole or not at all; return its label and name."""
    temporary = out_dir / f".{file_name}.{os.getpid()}.tmp"
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(out_dir / file_name)
    return label, file_name
