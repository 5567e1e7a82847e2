"""Tabulates the heaps of the profiled repeats: by group, by line of code, before beside after, and the profiler's cost.

Used by ``reports.pages.document`` and ``harness run``. Pure; of a run without profiled arms the tables are empty.
The sizes of a profiled arm explain and judge nothing: the profiler disturbs what it measures, and the cost table says
by how much.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from harness.record import PROFILED_SUFFIX
from harness.record.facts import mib
from reports import wording
from reports.tables.table import Table, columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.record import RunRecord, TrialRecord
    from harness.record.heap import HeapSummary

_LINE_NUMBER = re.compile(r":\d+ ")
_SHARE_NAMED = 0.9  # of the heap: the sites that hold as much are named one by one
_THREADS_NAMED_MAX = 3


def heap_table(run: RunRecord) -> Table:
    """Return the heap of each profiled arm's first incarnation: at the kill where it was killed, else at its peak."""
    rows: list[tuple[str, ...]] = []
    for trial, heap in _first_incarnations(run):
        total = max(heap.worst_bytes, 1)
        rows += [
            (trial.arm, _moment(heap), name, mib(size), f"{size / total:.1%}")
            for name, size in heap.worst_groups
            if size >= wording.WORTH_A_ROW_BYTES
        ]
        rows += [(trial.arm, _moment(heap), what, size, "") for what, size in _beside(trial, heap)]
    return Table(
        "heaps",
        "What the heap was made of, by memray, and the resident set and the cgroup beside it, of the profiled repeats.",
        columns("Arm", "When", "What", "Size#", "Share of heap#"),
        tuple(rows),
        "No arm was profiled; --profile repeats each under memray.",
    )


def sites_table(run: RunRecord) -> Table:
    """Return the lines of code that hold nine tenths of each profiled arm's heap, the heaviest first."""
    rows: list[tuple[str, ...]] = []
    for trial, heap in _first_incarnations(run):
        total, so_far = max(heap.worst_bytes, 1), 0
        for site in heap.sites:
            if so_far >= _SHARE_NAMED * total:
                break
            so_far += site.size_bytes
            shares = f"{site.size_bytes / total:.1%}", f"{so_far / total:.1%}"
            threads = wording.some_of(site.threads, _THREADS_NAMED_MAX)
            rows.append((site.location, trial.arm, _moment(heap), threads, mib(site.size_bytes), *shares))
    return Table(
        "sites",
        "The lines of code that hold nine tenths of that heap, and the threads that allocated it.",
        columns("Where", "Arm", "When", "Threads", "Size#", "Share of heap#", "So far#"),
        tuple(rows),
        "No arm was profiled.",
    )


def cost_table(run: RunRecord) -> Table:
    """Return what the profiler changed.

    Each profiled arm beside the one that carries the verdict, first incarnations.
    """
    rows: list[tuple[str, ...]] = []
    for twin in run.trials:
        plain = run.trial(twin.arm.removesuffix(PROFILED_SUFFIX))
        if twin.role == "profiled" and plain is not None and twin.incarnations and plain.incarnations:
            rows += [(plain.arm, *row) for row in _cost(plain, twin)]
    return Table(
        "profiler",
        "What the profiler changed, first incarnation of each: the arm that carries the verdict, and its repeat. The"
        " cgroup is charged for the capture's file pages too, which the kernel can drop.",
        columns("Arm", "Figure", "Without#", "Under memray#", "Ratio#"),
        tuple(rows),
        "No profiled repeat stands beside the arm it repeats.",
    )


def difference_table(before: HeapSummary, after: HeapSummary) -> Table:
    """Return one row a site with its bytes in both heaps, the largest difference first."""
    held, holds = _by_site(before), _by_site(after)
    sites = sorted({*held, *holds}, key=lambda site: (-abs(held[site] - holds[site]), site))
    return Table(
        "difference",
        "Heap before and after, site by site.",
        columns("Where", "Before#", "After#", "Difference#"),
        tuple((site, mib(held[site]), mib(holds[site]), mib(holds[site] - held[site])) for site in sites),
        "Nothing was allocated in either.",
    )


def profile_lines(run: RunRecord) -> tuple[str, ...]:
    """Return the tables as plain lines for a terminal; nothing where no arm was profiled."""
    lines: list[str] = []
    for table in (heap_table(run), sites_table(run), cost_table(run)):
        if table.rows:
            cells = [tuple(column.heading for column in table.columns), *table.rows]
            widths = [max(len(row[at]) for row in cells) for at in range(len(table.columns))]
            lines += ["", table.caption]
            lines += ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    if captures := capture_lines(run):
        lines += ["", "Whose heap is in which capture, and who is in none.", *(f"  {line}" for line in captures)]
    return tuple(lines)


def capture_lines(run: RunRecord) -> tuple[str, ...]:
    """Return whose heap is in which capture of the profiled arms, and which processes are in none, as plain lines."""
    lines: list[str] = []
    for trial in run.trials:
        if trial.role != "profiled":
            continue
        commands = {each.pid: each.command for each in trial.processes}
        lines += [f"{trial.arm}: {_whose(heap, commands)}: peak {mib(heap.peak_bytes)}" for heap in trial.heaps]
        if not trial.heaps:
            lines.append(f"{trial.arm}: no capture: its command runs as it is, or was killed before memray had begun")
        captured = {heap.process for heap in trial.heaps} | {each.pid for each in trial.incarnations}
        lines += [
            f"{trial.arm}: not in any capture: process {pid} ({command}): another program, another interpreter that was"
            " started and not forked, or a child killed before memray had begun"
            for pid, command in commands.items()
            if pid not in captured
        ]
    return tuple(lines)


def _whose(heap: HeapSummary, commands: Mapping[int, str]) -> str:
    if heap.process is None:
        return f"capture of incarnation {heap.incarnation}, its first process"
    command = commands.get(heap.process, "too short-lived to be seen")
    return f"capture of incarnation {heap.incarnation}, forked process {heap.process} ({command})"


def _first_incarnations(run: RunRecord) -> Iterator[tuple[TrialRecord, HeapSummary]]:
    return (
        (trial, heap) for trial in run.trials for heap in trial.heaps if heap.incarnation == 0 and heap.process is None
    )


def _moment(heap: HeapSummary) -> str:
    return "at the kill" if heap.killed else "at its peak"


def _beside(trial: TrialRecord, heap: HeapSummary) -> Iterator[tuple[str, str]]:
    """Yield the heap as a whole, what a rule names of it, and what the kernel charged at the same moment."""
    yield "heap, all of it", mib(heap.worst_bytes)
    yield "named by a rule", f"{heap.named_share(at_end=heap.killed):.1%}"
    mine = trial.memory.incarnation == heap.incarnation
    rss, cgroup = trial.memory.rss_bytes[mine], trial.memory.cgroup_bytes[mine]
    if rss.size:
        at = -1 if heap.killed else int(np.argmax(rss))
        yield "resident set", mib(float(rss[at]))
        if not np.isnan(cgroup[at]):
            yield "cgroup", mib(float(cgroup[at]))


def _cost(plain: TrialRecord, twin: TrialRecord) -> Iterator[tuple[str, str, str, str]]:
    peaks = [trial.incarnations[0].peak_rss_bytes for trial in (plain, twin)]
    if peaks[0] and peaks[1]:
        yield "peak resident set", mib(peaks[0]), mib(peaks[1]), f"{peaks[1] / peaks[0]:.2f}"
    charged = [trial.incarnations[0].peak_cgroup_bytes for trial in (plain, twin)]
    if charged[0] and charged[1]:
        yield "peak cgroup", mib(charged[0]), mib(charged[1]), f"{charged[1] / charged[0]:.2f}"
    for figure, unit, of in (("settled messages", "/s", _settled_per_s), ("processor time", " s/s", _cpu_share)):
        without, under = of(plain), of(twin)
        if without and under:
            yield figure, f"{without:.2f}{unit}", f"{under:.2f}{unit}", f"{under / without:.2f}"


def _settled_per_s(trial: TrialRecord) -> float | None:
    """Return how many messages the first incarnation settled with the broker in a real second."""
    incarnation = trial.incarnations[0]
    mine = [g for g in trial.gauges if incarnation.started_s <= g.t_s <= (incarnation.ended_s or np.inf)]
    if not mine or mine[-1].t_s <= incarnation.started_s:
        return None
    last = mine[-1]
    return (last.acked + last.nacked_requeue + last.nacked_dropped) / (last.t_s - incarnation.started_s)


def _cpu_share(trial: TrialRecord) -> float | None:
    """Return the processor time that the first incarnation used in a real second; None where it was not recorded."""
    return trial.cpu_share


def _by_site(heap: HeapSummary) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for site in heap.sites:
        name = _LINE_NUMBER.sub(" ", site.location) if site.threads else "all lighter sites"
        sizes[name] += site.size_bytes
    return sizes
