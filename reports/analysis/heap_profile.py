"""Reads memray captures: which lines of code held how many bytes of the heap, at the end and at the peak.

Used by ``reports.pages.heap_pages``, and by the gate and the pytest plugin when they are red. Renders nothing. A
capture explains the *heap*, not the resident set: the allocator's own slack, thread stacks and mapped files are not in
it. A capture of a process that was killed is whole up to the kill.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memray import FileReader
from memray._memray import set_log_level  # memray's package has it too, but its types do not say so

from harness.record import profiled
from harness.record.heap import HeapGroup
from reports.analysis.heap_groups import REST, group_names, group_of, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from memray import AllocationRecord

    from harness.record.heap import Rule
    from reports.analysis.heap_groups import Frame

SITES_MAX = 25  # beyond these a table explains nothing more
_SHARE_MIN = 0.005  # of the heap; lighter sites are summed up in one row
# memray thins snapshots out above 10 000, which is 100 s at its 10 ms; this is enough for a trial of 20 minutes.
SNAPSHOTS_MAX = 120_000
_STACK_FRAMES_MAX = 60
_LIBRARY = re.compile(r"/(?:site|dist)-packages/|/lib/python3\.\d+/|^<frozen |^<string>")
# What a reader does not need before a file's name: where packages are, where the gate unpacked another commit, where
# this checkout is.
_CHECKOUT = re.escape(str(Path(__file__).resolve().parents[2]))
_FOLDER = re.compile(rf"^.*/(?:site|dist)-packages/|^.*/lib/python3\.\d+/|^.*/builds/[0-9a-f]+/|^{_CHECKOUT}/")


@dataclass(frozen=True, slots=True)
class AllocationSite:
    """One line of code and what was allocated below it. ``stack`` is its heaviest one, innermost frame first."""

    location: str  # "file.py:12 function": the innermost frame outside libraries, else the innermost one
    size_bytes: int
    allocations: int
    stack: tuple[str, ...]
    threads: tuple[str, ...] = ()  # that allocated it, the one with most bytes first


@dataclass(frozen=True, slots=True)
class HeapProfile:
    """A capture, summed up. Sites are the heaviest first, at most ``SITES_MAX``; the last may be all lighter ones."""

    command: str
    killed: bool  # the process ended without telling memray: the capture stops at the kill
    duration_s: float
    peak_bytes: int
    end_bytes: int
    at_end: tuple[AllocationSite, ...]  # alive when the capture ended
    at_peak: tuple[AllocationSite, ...]  # alive when the heap was largest
    groups: tuple[HeapGroup, ...] = ()  # all of the heap, by what it is; the last is what no rule names


@dataclass(frozen=True, slots=True)
class Records:
    """Allocations alive at the end and at the peak, thread by thread. Valid for as long as their reader is open."""

    at_end: tuple[AllocationRecord, ...]
    at_peak: tuple[AllocationRecord, ...]


@contextmanager
def opened(capture: Path, snapshots_max: int = SNAPSHOTS_MAX) -> Iterator[FileReader]:
    """Open a capture.

    memray logs an error for the record that a kill has torn, each time it comes to it; that is how such a capture
    ends, and no news.

    Raises:
        OSError: the file is not there, is empty, or is no memray capture; memray's message says which.
    """
    set_log_level(logging.CRITICAL)
    with closing(FileReader(capture, max_memory_records=snapshots_max)) as reader:
        yield reader


def records_of(reader: FileReader) -> Records:
    """Read what was alive at the end and at the peak: two passes over the capture, seconds for a hundred megabytes."""
    return Records(
        tuple(reader.get_leaked_allocation_records(merge_threads=False)),
        tuple(reader.get_high_watermark_allocation_records(merge_threads=False)),
    )


def read_heap_profile(capture: Path) -> HeapProfile:
    """Return what the capture holds, grouped by the rules of the libraries alone. Raises OSError as ``opened``."""
    with opened(capture) as reader:
        return heap_profile(reader, records_of(reader))


def highest_heap_profile(run: Path, arm: str) -> HeapProfile | None:
    """Return the profile with the highest peak of the repeat of ``arm`` that the run directory ``run`` holds.

    None where it holds no capture of it that can be read.
    """
    profiles: list[HeapProfile] = []
    for capture in sorted((run / "trials" / profiled(arm) / "memray").glob("*.bin")):
        try:
            profiles.append(read_heap_profile(capture))
        except OSError:
            continue  # a worker that ended before memray had begun leaves an empty file
    return max(profiles, key=lambda profile: profile.peak_bytes, default=None)


def heap_profile(reader: FileReader, records: Records, rules: Sequence[Rule] = ()) -> HeapProfile:
    """Return what the records say, summed up; ``rules`` are the incident's, for the groups."""
    metadata = reader.metadata
    start_ms, end_ms = metadata.start_time.timestamp() * 1000, metadata.end_time.timestamp() * 1000
    last_ms = max((snapshot.time for snapshot in reader.get_memory_snapshots()), default=0)
    return HeapProfile(
        command=metadata.command_line,
        # A killed process wrote no end: memray then returns its start, and only the snapshots show how long it ran.
        killed=end_ms <= start_ms or last_ms > end_ms,
        duration_s=(max(last_ms, end_ms) - start_ms) / 1000,
        peak_bytes=metadata.peak_memory,
        end_bytes=sum(record.size for record in records.at_end),
        at_end=_sites(records.at_end),
        at_peak=_sites(records.at_peak),
        groups=_groups(records, in_order(rules)),
    )


def _sites(records: Iterable[AllocationRecord]) -> tuple[AllocationSite, ...]:
    """Return the records summed up by the line of our own code that led to them."""
    groups: defaultdict[str, list[tuple[int, int, Sequence[Frame], str]]] = defaultdict(list)
    for record in records:
        stack = record.stack_trace(_STACK_FRAMES_MAX)
        groups[_location(stack)].append((record.size, record.n_allocations, stack, record.thread_name))
    sites = [
        AllocationSite(
            location=location,
            size_bytes=sum(size for size, *_ in group),
            allocations=sum(number for _, number, *_ in group),
            stack=tuple(_named(frame) for frame in max(group, key=lambda entry: entry[0])[2]),
            threads=_threads(group),
        )
        for location, group in groups.items()
    ]
    return _heaviest(sorted(sites, key=lambda site: (-site.size_bytes, site.location)))


def _threads(group: Iterable[tuple[int, int, Sequence[Frame], str]]) -> tuple[str, ...]:
    """Return the threads that allocated the group, the one with most bytes first."""
    sizes: Counter[str] = Counter()
    for size, _, _, thread in group:
        sizes[thread or "main thread"] += size  # memray gives the main thread no name
    return tuple(name for name, _ in sizes.most_common())


def _groups(records: Records, rules: Sequence[Rule]) -> tuple[HeapGroup, ...]:
    """Return the records summed up by group; a group that holds nothing is left out, the rest never."""
    end, peak = (
        _summed((group_of(record.stack_trace(_STACK_FRAMES_MAX), rules), record.size) for record in alive)
        for alive in (records.at_end, records.at_peak)
    )
    names = [name for name in group_names(rules) if end[name] or peak[name] or name == REST]
    return tuple(HeapGroup(name, end[name], peak[name]) for name in names)


def _summed(sizes: Iterable[tuple[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for name, size in sizes:
        total[name] += size
    return total


def _heaviest(ranked: Sequence[AllocationSite]) -> tuple[AllocationSite, ...]:
    """Return the sites worth a row of their own, and all others as one more."""
    least_bytes = _SHARE_MIN * sum(site.size_bytes for site in ranked)
    heavy = [site for site in ranked if site.size_bytes >= least_bytes][: SITES_MAX - 1]
    light = ranked[len(heavy) :]
    if not light:
        return tuple(heavy)
    rest = AllocationSite(
        location=f"{len(light)} lighter sites",
        size_bytes=sum(site.size_bytes for site in light),
        allocations=sum(site.allocations for site in light),
        stack=(),
    )
    return (*heavy, rest)


def _location(stack: Sequence[Frame]) -> str:
    """Return the innermost frame that is not a library's, in words."""
    own = next((frame for frame in stack if not _LIBRARY.search(frame[1])), None)
    if own is not None:
        return _named(own)
    return _named(stack[0]) if stack else "outside Python"


def _named(frame: Frame) -> str:
    function, file, line = frame
    return f"{_FOLDER.sub('', file)}:{line} {function}"
