"""Bench results as JSON, for trend tools: what ``harness bench --json`` prints and ``bench.json`` holds.

Its keys are those of docs/reference/benchmarks.md. Pure; numbers are not rounded, and nothing in it is text to be
parsed again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.bench.figure import BenchResult, Figure
    from harness.bench.suite import BenchReport

SCHEMA_VERSION = 1


def render_bench_json(report: BenchReport) -> str:
    """Return the whole report as indented JSON."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "started_utc": report.started_utc,
        "quick": report.quick,
        "machine": dict(report.machine),
        "versions": dict(report.versions),
        "benchmarks": [_benchmark(result) for result in report.results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _benchmark(result: BenchResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "took_s": result.took_s,
        "error": result.error,
        "others_cpu_share": result.others_cpu_share,
        "figures": [_figure(figure) for figure in result.figures],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    """Return the figure's own fields, each Spread and Aim as an object or null, and ``met``."""
    return {**asdict(figure), "met": figure.met}
