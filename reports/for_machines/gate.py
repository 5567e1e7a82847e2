"""Renders a gate's result for other programs: ``gate.json``, ``gate-trend.json`` for tools that draw trends, JUnit XML.

The trend is in the form ``customSmallerIsBetter`` of github-action-benchmark: name, unit, value, range, extra. What is
better when it is larger, the throughput, goes in as its inverse, seconds for a message. In JUnit a metric is a test
case; a failed one is a ``<failure>``, one that could not be measured an ``<error>``: CI must not turn green on it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from harness.record import Verdict
from harness.record.gate import CANDIDATE
from reports.for_machines.junit import ELEMENT, clean
from reports.text import gate as wording

if TYPE_CHECKING:
    from harness.record.gate import Comparison, GateReport

SCHEMA_VERSION = 1
REPEATS_CASE = "every repeat could be counted"


def render_gate_json(report: GateReport) -> str:
    """Return the whole report."""
    document = {"schema_version": SCHEMA_VERSION, **asdict(report), "verdict": report.verdict.value}
    document["comparisons"] = [{**asdict(each), "verdict": each.verdict.value} for each in report.comparisons]
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def render_trend(report: GateReport) -> str:
    """Return the candidate's medians, one entry a metric."""
    entries = [_entry(each, report) for each in report.comparisons if each.candidate]
    return json.dumps(entries, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def render_gate_junit(report: GateReport) -> str:
    """Return the XML. It is never greener than the verdict."""
    cases = [
        (
            wording.NAMES[each.metric],
            each.verdict,
            f"{wording.change(each)}, let pass {wording.rule(each)}",
        )
        for each in report.comparisons
    ]
    worst = Verdict.worst(verdict for _, verdict, _ in cases)
    rest = report.verdict if report.problems or worst is not report.verdict else Verdict.PASS
    cases.append((REPEATS_CASE, rest, "\n".join(report.problems) or wording.headline(report)))
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(verdict is Verdict.FAIL for _, verdict, _ in cases)),
        "errors": str(sum(verdict is Verdict.UNKNOWN for _, verdict, _ in cases)),
        "skipped": "0",
    }
    root = ET.Element("testsuites", {"name": "memory regression", **totals})
    suite = ET.SubElement(root, "testsuite", {"name": clean(report.scenario), "time": "0", **totals})
    for name, verdict, text in cases:
        case = ET.SubElement(suite, "testcase", {"classname": "memory_regression", "name": name, "time": "0"})
        if verdict is Verdict.PASS:
            ET.SubElement(case, "system-out").text = clean(text)
        else:
            lines = "\n".join([text, report.sites_note, *report.sites]).rstrip()
            attributes = {"message": clean(text.splitlines()[0]), "type": verdict.value}
            ET.SubElement(case, ELEMENT[verdict], attributes).text = clean(lines)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _entry(comparison: Comparison, report: GateReport) -> dict[str, Any]:
    values = [
        repeat.figures[comparison.metric]
        for repeat in report.repeats
        if repeat.build == CANDIDATE and comparison.metric in repeat.figures
    ]
    unit, median = comparison.unit, comparison.candidate
    if not comparison.worse_up:
        unit, median, values = "s/message", 1 / median, [1 / value for value in values if value]
    return {
        "name": f"{report.scenario}: {wording.NAMES[comparison.metric]}",
        "unit": unit,
        "value": round(median, 4),
        "range": f"{min(values):.4g} to {max(values):.4g}",
        "extra": f"{report.candidate}; {len(values)} repeats; run {report.run_id}",
    }
