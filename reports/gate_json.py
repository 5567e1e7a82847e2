"""A gate's result as JSON: ``gate.json`` whole, and ``gate-trend.json`` for tools that draw trends.

The trend is in the form ``customSmallerIsBetter`` of github-action-benchmark: name, unit, value, range, extra. What is
better when it is larger, the throughput, goes in as its inverse, seconds for a message.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.record.gate import CANDIDATE
from reports.gate_wording import NAMES

if TYPE_CHECKING:
    from harness.record.gate import Comparison, GateReport

SCHEMA_VERSION = 1


def render_gate_json(report: GateReport) -> str:
    """Return the whole report."""
    document = {"schema_version": SCHEMA_VERSION, **asdict(report), "verdict": report.verdict.value}
    document["comparisons"] = [{**asdict(each), "verdict": each.verdict.value} for each in report.comparisons]
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def render_trend(report: GateReport) -> str:
    """Return the candidate's medians, one entry a metric."""
    entries = [_entry(each, report) for each in report.comparisons if each.candidate]
    return json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _entry(comparison: Comparison, report: GateReport) -> dict[str, Any]:
    figures = [
        repeat.figures[comparison.metric]
        for repeat in report.repeats
        if repeat.build == CANDIDATE and comparison.metric in repeat.figures
    ]
    unit, median = comparison.unit, comparison.candidate
    if not comparison.worse_up:
        unit, median, figures = "s/message", 1 / median, [1 / figure for figure in figures if figure]
    return {
        "name": f"{report.scenario}: {NAMES[comparison.metric]}",
        "unit": unit,
        "value": round(median, 4),
        "range": f"{min(figures):.4g} to {max(figures):.4g}",
        "extra": f"{report.candidate}; {len(figures)} repeats; run {report.run_id}",
    }
