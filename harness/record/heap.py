"""What a profiled incarnation's heap was made of, by group and by site.

Written beside its capture, read back with the run.

A capture is too large to be read for each report; this is what a report needs of it. Sizes are bytes of heap, not of
the resident set. Made by ``reports.pages.heap_pages``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A stack frame whose file and function match belongs to ``group``: an incident's knowledge of its worker's files.

    Both are regular expressions, searched for, not matched whole. ``reports.analysis.heap_groups`` applies them.
    """

    group: str
    file: str
    function: str = ""
    after_libraries: bool = False  # tried only where no rule of a library meets any frame of the stack


@dataclass(frozen=True, slots=True)
class HeapGroup:
    """One thing that an engineer has a name for, at the capture's end and when the heap was largest."""

    name: str
    end_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class HeapSite:
    """A line of code, or all lighter ones: "worker_under_test/x.py:12 f", and which threads allocated there."""

    location: str
    size_bytes: int
    threads: tuple[str, ...]  # the one with most bytes first; none where it stands for many lines


@dataclass(frozen=True, slots=True)
class HeapSummary:
    """The heap of one process of an incarnation. The last group is what no rule names."""

    incarnation: int
    killed: bool
    end_bytes: int
    peak_bytes: int
    groups: tuple[HeapGroup, ...]
    sites: tuple[HeapSite, ...] = ()  # at the kill where it was killed, else at the peak; the heaviest first
    process: int | None = None  # the pid of a forked child; None: the incarnation's first process

    @property
    def worst_bytes(self) -> int:
        """The heap at the moment that is told: at the kill where it was killed, else at its peak."""
        return self.end_bytes if self.killed else self.peak_bytes

    @property
    def worst_groups(self) -> tuple[tuple[str, int], ...]:
        """(name, bytes) of each group at that moment, the heaviest first."""
        sizes = [(group.name, group.end_bytes if self.killed else group.peak_bytes) for group in self.groups]
        return tuple(sorted(sizes, key=lambda each: -each[1]))

    def named_share(self, *, at_end: bool) -> float:
        """Return the share of the heap, 0 to 1, that a rule names."""
        rest, total = self.groups[-1], self.end_bytes if at_end else self.peak_bytes
        left = rest.end_bytes if at_end else rest.peak_bytes
        return 1 - left / total if total else 0.0
