"""Renders ``junit.xml``: one test case a check, for GitHub, GitLab, Jenkins and whatever else shows test results.

Used by ``harness.commands``. One suite an arm. A failed check is a ``<failure>``; an unknown one is an ``<error>``,
because a check that could not be made is not a check that passed, and CI must not turn green on it. Judges nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.record import CheckResult, Verdict
from reports.verdict_words import WORDS, reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record import Judgement, RunRecord

ELEMENT = {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 has no way to write
RUN_CASE = "verdict of the run"


def render_junit(run: RunRecord, judgement: Judgement) -> str:
    """Return the XML. It is never greener than the verdict: one that no check accounts for gets a case of its own."""
    root = ET.Element("testsuites", {"name": clean(run.manifest.scenario)})
    arms = dict.fromkeys([*(trial.arm for trial in run.trials), *(result.arm for result in judgement.checks)])
    suites: dict[str, list[CheckResult]] = {arm: [] for arm in arms}
    for result in judgement.checks:
        suites[result.arm].append(result)
    if Verdict.worst(result.verdict for result in judgement.checks) is not judgement.verdict or not judgement.checks:
        case = CheckResult(RUN_CASE, "run", judgement.verdict, WORDS[judgement.verdict], "PASS", reason(run, judgement))
        suites["run"] = [*suites.get("run", []), case]
    for arm, results in suites.items():
        _suite(root, arm, results, run)
    _count(root, [result for results in suites.values() for result in results])
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, arm: str, results: Sequence[CheckResult], run: RunRecord) -> None:
    """Add the suite of one arm."""
    suite = ET.SubElement(root, "testsuite", {"name": clean(arm), "timestamp": _timestamp(run.manifest.started_utc)})
    _count(suite, results)
    properties = ET.SubElement(suite, "properties")
    facts = {"run_id": run.manifest.run_id, "seed": str(run.manifest.seed), "scenario": run.manifest.scenario}
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": name, "value": clean(value)})
    for result in results:
        case = ET.SubElement(suite, "testcase", {"classname": clean(arm), "name": clean(result.check), "time": "0"})
        text = f"measured: {result.measured}\nthreshold: {result.threshold}\n{result.detail}".rstrip()
        if result.verdict is Verdict.PASS:
            ET.SubElement(case, "system-out").text = clean(text)
        else:
            message = clean(f"measured {result.measured}, wanted {result.threshold}")
            attributes = {"message": message, "type": result.verdict.value}
            ET.SubElement(case, ELEMENT[result.verdict], attributes).text = clean(text)


def _count(element: ET.Element, results: Sequence[CheckResult]) -> None:
    """Write the totals of a suite, or of all of them."""
    verdicts = [result.verdict for result in results]
    element.set("tests", str(len(verdicts)))
    element.set("failures", str(verdicts.count(Verdict.FAIL)))
    element.set("errors", str(verdicts.count(Verdict.UNKNOWN)))
    element.set("skipped", "0")
    element.set("time", "0")


def _timestamp(started_utc: str) -> str:
    """Return the run's start as JUnit's schema wants it: UTC without saying so; as it stands where it can't be read."""
    try:
        return datetime.fromisoformat(started_utc).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return clean(started_utc)


def clean(text: str) -> str:
    """Return the text with each character that XML can't hold replaced."""
    return _NOT_XML.sub("\ufffd", text)
