"""Words a post-mortem for an engineer on call: how it ended, the last half minute, growth, holders, stacks.

Used by ``harness postmortem``; ``as_document`` is the same for ``--json``. It words what
``reports.analysis.postmortem`` found, and prints nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from harness.record import MIB, EndedBy
from harness.record.facts import SIGKILL_STATUS, mib
from reports import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.analysis.postmortem import Postmortem, Row

_HEADER = (
    *("to the end", "clock", "RSS", "cgroup", "queue", "in work", "oldest call", "bodies", "MiB", "exc."),
    *("gc counts", "full", "ready", "unacked"),
)
_UNKNOWN = "–"
_STACKS_MAX = 6
_PROCESSES_MAX = 8
_COMMAND_CHARACTERS_MAX = 60
_FRAMES_MAX = 10
_NAMES_MAX = 4
_LAUNCHERS = {"typer", "click", "_click"}
_GROWTH_WORTH_SAYING = MIB / 2  # a second; below it the interpreter's own breathing is all there is


def postmortem_lines(found: Postmortem, run_id: str) -> tuple[str, ...]:
    """Return the whole text, line by line."""
    return (
        f"post-mortem of {run_id}, arm {found.arm}, {_which(found)}{_others(found)}",
        "",
        *_how(found),
        "",
        "the last 30 s (real seconds to the end; the incident's clock; a call's age counts as its timeout does; MiB):",
        *_table(found),
        "",
        *_growth(found),
        *_holdings(found),
        *_processes(found),
        "",
        *_stacks(found),
        *(("", *(f"note: {note}" for note in found.notes)) if found.notes else ()),
    )


def as_document(found: Postmortem, run_id: str) -> str:
    """Return the same as one JSON object; times are real seconds, sizes bytes, ages of calls incident seconds."""
    return json.dumps({"run_id": run_id, **asdict(found)}, indent=2)


def how_it_ended(found: Postmortem) -> str:
    """Return one sentence: when, by whom, with what evidence."""
    incarnation, killed = found.incarnation, found.killed
    counted = f"the cgroup's oom_kill went up by {incarnation.oom_kill_delta}"
    if killed is not None and not killed.first_process:
        return f"killed by {wording.ENDED_BY[EndedBy.KERNEL]} at {found.moment}: {found.killed_who}; {counted}"
    if incarnation.ended_by is EndedBy.UNKNOWN or incarnation.ended_s is None:
        return f"last seen at {found.moment}: the end of this incarnation was not recorded"
    verb = "killed by" if incarnation.exit_status == SIGKILL_STATUS else "ended by"
    doubt = f" (in doubt: {found.doubt})" if found.doubt else ""
    by = wording.ENDED_BY[incarnation.ended_by]
    return f"{verb} {by} at {found.moment}: exit status {incarnation.exit_status}, {counted}{doubt}"


def _which(found: Postmortem) -> str:
    return f"incarnation {found.incarnation.index} (pid {found.incarnation.pid})"


def _others(found: Postmortem) -> str:
    """Return which incarnations there are beside this one: "; other incarnations: 1, 2"."""
    others = [str(index) for index in range(found.incarnations) if index != found.incarnation.index]
    return f"; other incarnations: {', '.join(others)}" if others else ""


def _how(found: Postmortem) -> tuple[str, ...]:
    incarnation = found.incarnation
    lived = (
        f", after {wording.seconds(incarnation.ended_s - incarnation.started_s)} real time"
        if incarnation.ended_s is not None
        else ""
    )
    outlived = _outlived(found)
    peaks = [
        f"{name} {mib(peak)}"
        for name, peak in (("cgroup", incarnation.peak_cgroup_bytes), ("resident set", incarnation.peak_rss_bytes))
        if peak is not None
    ]
    recorded = [
        f"{who} {before_s:.2f} s"
        for who, before_s in (
            ("the worker's flight recorder", found.inside_before_end_s),
            ("the harness from outside", found.outside_before_end_s),
        )
        if before_s is not None
    ]
    return (
        f"{how_it_ended(found)}{'' if outlived else lived}",
        *((outlived,) if outlived else ()),
        f"peak by the kernel's own marks: {', '.join(peaks) or wording.NOT_RECORDED}",
        f"last sample before the end: {', '.join(recorded) or wording.NOT_RECORDED}",
    )


def _outlived(found: Postmortem) -> str:
    """Return how the incarnation itself ended, where another process had been killed before; else nothing."""
    incarnation = found.incarnation
    if found.killed is None or found.killed.first_process:
        return ""
    if incarnation.ended_s is None:
        return "the incarnation itself was alive when the record ends"
    by, status = wording.ENDED_BY[incarnation.ended_by], incarnation.exit_status
    return f"the incarnation itself ended at {found.ended}, by {by}, exit status {status}"


def _table(found: Postmortem) -> list[str]:
    if not found.rows:
        return [f"  {wording.NOT_RECORDED}"]
    cells = [_HEADER, *(_cells(row) for row in found.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADER))]
    return [
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"-{row.before_end_s:.1f} s",
        row.clock,
        _size(row.rss_bytes),
        _size(row.cgroup_bytes),
        _count(row.executor_queue),
        _count(row.in_flight),
        _UNKNOWN if row.oldest_call_s is None else wording.seconds(row.oldest_call_s),
        _count(row.bodies),
        _size(row.bodies_bytes),
        _count(row.exceptions),
        "/".join(str(number) for number in row.gc_count) or _UNKNOWN,
        _count(row.full_collections),
        _count(row.broker_ready),
        _count(row.broker_unacked),
    )


def _size(size_bytes: int | None) -> str:
    return _UNKNOWN if size_bytes is None else f"{size_bytes / MIB:.0f}"


def _count(number: int | None) -> str:
    return _UNKNOWN if number is None else str(number)


def _growth(found: Postmortem) -> tuple[str, ...]:
    if not found.growth:
        return (f"growth of the resident set: {wording.NOT_RECORDED}",)
    parts = [
        f"{rate / MIB:+.0f} MiB/s over the last {span_s:.0f} s"
        if abs(rate) >= _GROWTH_WORTH_SAYING
        else f"flat over the last {span_s:.0f} s"
        for span_s, rate in found.growth
    ]
    return (f"growth of the resident set (real time): {', '.join(parts)}",)


def _holdings(found: Postmortem) -> list[str]:
    lines = []
    if found.memory:
        kinds = [f"{name} {size / MIB:.0f}" for name, size in found.memory if name != "threads"]
        lines.append(f"memory by kind at the last sample, MiB: {', '.join(kinds)}")
    if not found.holdings:
        return [*lines, f"what held it: {wording.NOT_RECORDED}"]
    total = sum(holding.size_bytes for holding in found.holdings) or 1
    lines.append("what held it:")
    lines += [
        f"  {holding.size_bytes / MIB:6.0f} MiB  {holding.size_bytes / total:4.0%}  {holding.what}"
        for holding in found.holdings
    ]
    if not found.heap:
        return [*lines, "a repeat under memray separates the rest: harness run … --profile"]
    lines.append("the heap of the same incarnation of its repeat under memray:")
    lines += [f"  {held.size_bytes / MIB:6.0f} MiB  {held.what}" for held in found.heap if held.size_bytes >= MIB]
    return lines


def _processes(found: Postmortem) -> list[str]:
    """Return the processes shortly before that moment; nothing where the first one was alone, or none was recorded."""
    if len(found.processes) < 2 and not (found.killed and not found.killed.first_process):  # noqa: PLR2004
        return []
    lines = [f"its {wording.count(len(found.processes), 'process', 'processes')} shortly before, RSS in MiB:"]
    killed = None if found.killed is None else found.killed.pid
    for sample in found.processes[:_PROCESSES_MAX]:
        mark = "  (killed)" if sample.pid == killed else ""
        command = sample.command[:_COMMAND_CHARACTERS_MAX]
        lines.append(f"  {sample.rss_bytes / MIB:6.0f}  pid {sample.pid}, parent {sample.parent}: {command}{mark}")
    left = len(found.processes) - _PROCESSES_MAX
    return [*lines, *([f"  and {wording.count(left, 'more process', 'more processes')}"] if left > 0 else [])]


def _stacks(found: Postmortem) -> list[str]:
    if found.stacks_before_end_s is None:
        return [f"where its threads were: {wording.NOT_RECORDED}"]
    threads = sum(len(group.threads) for group in found.stacks)
    lines = [f"where its {threads} threads were, {found.stacks_before_end_s:.1f} s before the end:"]
    for group in found.stacks[:_STACKS_MAX]:
        lines.append(f"  {len(group.threads)} × {wording.some_of(group.threads, _NAMES_MAX)}")
        lines += [f"      {frame}" for frame in _shortened(group.frames)[:_FRAMES_MAX]]
    left = len(found.stacks) - _STACKS_MAX
    return [*lines, *([f"  and {wording.count(left, 'other place')}"] if left > 0 else [])]


def _shortened(frames: Sequence[str]) -> list[str]:
    """Return the frames, a run of them in one folder as its innermost one and a count: a library's own depth.

    How the program was started, below its command line's library, is left out.
    """
    shortened = []
    started = list(takewhile(lambda frame: frame.partition("/")[0] not in _LAUNCHERS, frames))
    for _, run in groupby(started or frames, key=lambda frame: frame.partition("/")[0]):
        first, *others = run
        shortened.append(f"{first}{f'  (and {len(others)} more there)' if others else ''}")
    return shortened
