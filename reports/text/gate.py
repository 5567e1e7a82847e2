"""Words a gate's result: values, changes, intervals and rules, and all of it as plain lines for a terminal or a log.

``reports.pages.gate_markdown`` and ``reports.for_machines.gate`` use the same words. Prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record.gate import Comparison, GateReport

NAMES = {"peak": "peak", "kept": "kept at rest", "slope": "slope", "throughput": "throughput"}
SHORT_UNITS = {"MiB per 1,000 messages": "MiB/1,000"}
WORDS = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.UNKNOWN: "unknown"}
_HEADER = ("metric", "baseline", "candidate", "change (99 % interval)", "let pass", "")


def value(number: float, comparison: Comparison) -> str:
    """Return a median with its unit."""
    return f"{number:.1f} {SHORT_UNITS.get(comparison.unit, comparison.unit)}"


def change(comparison: Comparison) -> str:
    """Return the change with its interval."""
    shown = [_signed(each, comparison) for each in (comparison.change, comparison.low, comparison.high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def rule(comparison: Comparison) -> str:
    """Return what is let pass."""
    return f"{_signed(comparison.effect if comparison.worse_up else -comparison.effect, comparison)}"


def headline(report: GateReport) -> str:
    """Return the verdict in a sentence."""
    red = [each for each in report.comparisons if each.verdict is Verdict.FAIL]
    if red:
        changes = "; ".join(f"{NAMES[each.metric]} {change(each)}, let pass {rule(each)}" for each in red)
        return f"{report.candidate} is worse than {report.baseline}: {changes}."
    if report.verdict is Verdict.FAIL:
        return f"{report.candidate} broke an expectation: {report.problems[0]}."
    if report.verdict is Verdict.UNKNOWN:
        return f"No answer: {report.problems[0] if report.problems else 'a metric was not measured often enough'}."
    return f"{report.candidate} is not worse than {report.baseline}, as far as these repeats show."


def gate_lines(report: GateReport) -> tuple[str, ...]:
    """Return what was compared, a table of the metrics, the sites that grew, and what went wrong."""
    rows = [
        (
            NAMES[each.metric],
            value(each.baseline, each),
            value(each.candidate, each),
            change(each),
            rule(each),
            WORDS[each.verdict],
        )
        for each in report.comparisons
    ]
    lines = [f"A {report.baseline}", f"B {report.candidate}", report.why_repeats, "", *_columns([_HEADER, *rows]), ""]
    lines += [f"! {problem}" for problem in report.problems]
    if report.sites_note:
        lines += [report.sites_note, *(f"  {site}" for site in report.sites)]
    return (*lines, headline(report))


def _signed(number: float, comparison: Comparison) -> str:
    return f"{number:+.1%}" if comparison.relative else f"{number:+.1f}"


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
