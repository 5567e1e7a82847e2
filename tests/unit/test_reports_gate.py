"""The gate's reports: table, Markdown, JUnit, JSON, trend; each says the verdict, and none is greener than it."""

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.record.gate import CANDIDATE, GateReport, Repeat
from reports.for_machines.gate import REPEATS_CASE, render_gate_json, render_gate_junit, render_trend
from reports.pages.gate_markdown import CHARACTERS_MAX, render_gate_markdown
from reports.text.gate import gate_lines
from tests.unit.gate_reports import GREEN, RED, UNKNOWN


def cases(report: GateReport) -> dict[str, str]:
    """Return what each test case of the XML holds, by its name: ``failure``, ``error`` or ``system-out``."""
    root = ET.fromstring(render_gate_junit(report))  # noqa: S314 - our own text
    return {str(case.get("name")): next(iter(case)).tag for case in root.iter("testcase")}


def test_the_lines_say_what_was_compared_and_end_with_the_answer() -> None:
    """Guarantees a table that a log can hold, and one last sentence."""
    lines = gate_lines(GREEN)
    assert any(line.split()[:3] == ["peak", "88.0", "MiB"] for line in lines)
    assert lines[-1] == ("python <new>.py | sh is not worse than commit 0123456789ab, as far as these repeats show.")


def test_a_red_gate_names_the_metric_its_change_and_the_sites() -> None:
    """Guarantees that whoever reads the log knows what grew, by how much, and where."""
    text = "\n".join(gate_lines(RED))
    assert "FAIL" in text
    assert "worker/service.py process: 0.0 MiB → 9.5 MiB" in text
    assert "is worse than commit 0123456789ab: peak +11.4 %".replace(" %", "%") in text


def test_an_unknown_gate_says_why() -> None:
    """Guarantees that no answer comes with its reason."""
    assert gate_lines(UNKNOWN)[-1].startswith("No answer: baseline-02: queues drained")


@pytest.mark.parametrize(
    ("report", "mark"), [(GREEN, "✅ pass"), (RED, "❌ fail"), (UNKNOWN, "⚠️ unknown")], ids=["green", "red", "unknown"]
)
def test_the_comment_says_the_verdict_and_escapes_what_was_typed(report: GateReport, mark: str) -> None:
    """Guarantees a comment body whose heading is the verdict, and in which a command line can't become markup."""
    text = render_gate_markdown(report)
    assert text.startswith(f"## Memory of the worker: {mark}")
    assert "python \\<new\\>.py \\| sh" in text
    assert "<new>" not in text


def test_a_comment_is_short_enough_whatever_went_wrong() -> None:
    """Guarantees GitHub's limits: 65,536 characters in a comment, 1 MiB in a job summary."""
    many = tuple(Repeat(CANDIDATE, dict(RED.repeats[0].figures)) for _ in range(2000))
    text = render_gate_markdown(replace(RED, repeats=many, problems=("x" * 3000,) * 50))
    assert len(text) <= CHARACTERS_MAX
    assert text.endswith("*Cut short; gate.json has all of it.*\n")


def test_junit_has_a_case_for_each_metric_and_is_never_greener_than_the_verdict() -> None:
    """Guarantees that CI turns red on red, and does not turn green on what was not measured."""
    assert set(cases(GREEN).values()) == {"system-out"}
    assert cases(RED)["peak"] == "failure"
    assert cases(UNKNOWN)[REPEATS_CASE] == "error"


def test_the_json_holds_everything() -> None:
    """Guarantees that a script needs no other file."""
    document: dict[str, Any] = json.loads(render_gate_json(RED))
    assert document["verdict"] == "fail"
    assert {each["metric"]: each["verdict"] for each in document["comparisons"]}["peak"] == "fail"
    assert len(document["repeats"]) == 8


def test_the_trend_is_smaller_is_better_throughout() -> None:
    """Guarantees the form customSmallerIsBetter: a throughput goes in as seconds for a message."""
    entries: list[dict[str, Any]] = json.loads(render_trend(GREEN))
    assert all({"name", "unit", "value", "range", "extra"} == entry.keys() for entry in entries)
    by_name = {entry["name"]: entry for entry in entries}
    assert by_name["memory_gate: peak"]["value"] == pytest.approx(88.0, abs=0.1)
    assert by_name["memory_gate: throughput"]["unit"] == "s/message"
    assert by_name["memory_gate: throughput"]["value"] == pytest.approx(1 / 40, abs=0.001)
