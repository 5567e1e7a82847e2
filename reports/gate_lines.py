"""A gate's result as plain lines, for a terminal, a log or a pipe. Prints nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import gate_wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record.gate import GateReport

_HEADER = ("metric", "baseline", "candidate", "change (99 % interval)", "let pass", "")


def gate_lines(report: GateReport) -> tuple[str, ...]:
    """Return what was compared, a table of the metrics, the sites that grew, and what went wrong."""
    rows = [
        (
            gate_wording.NAMES[each.metric],
            gate_wording.value(each.baseline, each),
            gate_wording.value(each.candidate, each),
            gate_wording.change(each),
            gate_wording.rule(each),
            gate_wording.WORDS[each.verdict],
        )
        for each in report.comparisons
    ]
    lines = [f"A {report.baseline}", f"B {report.candidate}", report.why_repeats, "", *_columns([_HEADER, *rows]), ""]
    lines += [f"! {problem}" for problem in report.problems]
    if report.sites_note:
        lines += [report.sites_note, *(f"  {site}" for site in report.sites)]
    return (*lines, gate_wording.headline(report))


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
