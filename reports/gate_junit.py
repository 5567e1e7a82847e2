"""A gate's result as JUnit XML: one test case a metric, and one for everything else that could go wrong.

A failed metric is a ``<failure>``, one that could not be measured an ``<error>``: CI must not turn green on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.record import Verdict
from reports import gate_wording
from reports.junit import clean

if TYPE_CHECKING:
    from harness.record.gate import GateReport

_ELEMENT = {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error"}
REPEATS_CASE = "every repeat could be counted"


def render_gate_junit(report: GateReport) -> str:
    """Return the XML. It is never greener than the verdict."""
    cases = [
        (
            gate_wording.NAMES[each.metric],
            each.verdict,
            f"{gate_wording.change(each)}, let pass {gate_wording.rule(each)}",
        )
        for each in report.comparisons
    ]
    worst = Verdict.worst(verdict for _, verdict, _ in cases)
    rest = report.verdict if report.problems or worst is not report.verdict else Verdict.PASS
    cases.append((REPEATS_CASE, rest, "\n".join(report.problems) or gate_wording.headline(report)))
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(verdict is Verdict.FAIL for _, verdict, _ in cases)),
        "errors": str(sum(verdict is Verdict.UNKNOWN for _, verdict, _ in cases)),
        "skipped": "0",
    }
    root = ET.Element("testsuites", {"name": "memory regression", **totals})
    suite = ET.SubElement(root, "testsuite", {"name": clean(report.scenario), "time": "0", **totals})
    for name, verdict, told in cases:
        case = ET.SubElement(suite, "testcase", {"classname": "memory_regression", "name": name, "time": "0"})
        if verdict is Verdict.PASS:
            ET.SubElement(case, "system-out").text = clean(told)
        else:
            text = "\n".join([told, report.sites_note, *report.sites]).rstrip()
            attributes = {"message": clean(told.splitlines()[0]), "type": verdict.value}
            ET.SubElement(case, _ELEMENT[verdict], attributes).text = clean(text)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
