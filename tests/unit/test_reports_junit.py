"""junit.xml: valid for the tools that read it, and never greener than the verdict."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from harness.record import CheckResult, Judgement, RunRecord, Verdict
from reports.for_machines.junit import RUN_CASE, render_junit
from tests.unit import reports_records as records

# The JUnit schema that Jenkins publishes and that GitHub's and GitLab's readers follow: element → (attributes it must
# have, attributes it may have besides, children it may have, in this order).
SCHEMA: dict[str, tuple[set[str], set[str], list[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors", "skipped", "disabled"}, ["testsuite"]),
    "testsuite": (
        {"name", "tests"},
        {"failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package", "disabled"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": (
        {"name", "classname"},
        {"time", "status", "assertions"},
        ["skipped", "error", "failure", "system-out", "system-err"],
    ),
    "failure": (set(), {"message", "type"}, []),
    "error": (set(), {"message", "type"}, []),
    "system-out": (set(), set(), []),
}


def assert_valid(element: ET.Element) -> None:
    """Hold the element, and all in it, against the schema."""
    required, optional, children = SCHEMA[element.tag]
    assert required <= set(element.attrib) <= required | optional
    places = [children.index(child.tag) for child in element]
    assert places == sorted(places)
    for child in element:
        assert_valid(child)


def parsed(run: RunRecord, judgement: Judgement) -> ET.Element:
    """The rendered file, parsed again and held against the schema."""
    text = render_junit(run, judgement)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
    root = ET.fromstring(text)  # noqa: S314 - our own file
    assert_valid(root)
    return root


def test_one_case_a_check_and_one_suite_an_arm() -> None:
    """Guarantees that CI shows each check by its arm and name."""
    root = parsed(records.run(), records.judgement())

    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert cases == [(check.arm, check.check) for check in records.checks()]
    assert [suite.get("name") for suite in root] == ["incident", "fixed"]
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["8", "0", "0", "0"]
    assert root[0].get("timestamp") == "2026-01-02T09:30:00"


@pytest.mark.parametrize(("verdict", "tag"), [(Verdict.FAIL, "failure"), (Verdict.UNKNOWN, "error")])
def test_a_failed_check_is_a_failure_and_an_unknown_one_an_error(verdict: Verdict, tag: str) -> None:
    """Guarantees that neither is green, and that the message holds both figures."""
    root = parsed(records.run(), records.judged(verdict))

    found = list(root.iter(tag))
    assert [element.get("message") for element in found] == ["measured 612 MiB, wanted ≤ 400 MiB"]
    assert "The reason in full." in (found[0].text or "")
    assert root.get("failures" if tag == "failure" else "errors") == "1"


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.FAIL])
@pytest.mark.parametrize("checks", [(), records.checks()])
def test_the_file_is_never_greener_than_the_verdict(verdict: Verdict, checks: tuple[CheckResult, ...]) -> None:
    """Guarantees that a run without checks, or worse than each of them, turns CI red: by a case of the run's own."""
    root = parsed(records.run(), Judgement(verdict, checks))

    own = [case for case in root.iter("testcase") if case.get("name") == RUN_CASE]
    assert len(own) == 1
    assert [child.tag for child in own[0]] == [{Verdict.FAIL: "failure", Verdict.UNKNOWN: "error"}[verdict]]


def test_a_verdict_that_checks_account_for_gets_no_case_of_its_own() -> None:
    """Guarantees that one failure is counted once."""
    root = parsed(records.run(), records.judged(Verdict.FAIL))

    assert [case for case in root.iter("testcase") if case.get("name") == RUN_CASE] == []


def test_a_check_of_an_arm_that_was_never_played_has_its_suite() -> None:
    """Guarantees that a missing arm is an error in CI, not a shorter list."""
    stray = CheckResult("arm played", "postmortem", Verdict.UNKNOWN, "never played", "every arm is played")

    root = parsed(records.run(), Judgement(Verdict.UNKNOWN, (*records.checks(), stray)))

    assert [suite.get("errors") for suite in root if suite.get("name") == "postmortem"] == ["1"]


def test_no_recorded_text_makes_the_file_invalid() -> None:
    """Guarantees that control characters, lone surrogates and markup in a message leave XML that parses."""
    evil = "a\x00b\x1b[31m\x0c\ud800\ufffe<failure>&\"'\n]]>"
    check = CheckResult(evil, evil, Verdict.FAIL, evil, evil, evil)
    run = RunRecord(replace(records.manifest(), scenario=evil, started_utc=evil), ())

    root = parsed(run, Judgement(Verdict.FAIL, (check,)))

    failure = next(root.iter("failure"))
    assert (failure.text or "").startswith("measured: a\ufffdb\ufffd[31m\ufffd\ufffd\ufffd<failure>&\"'\n]]>")
    render_junit(run, Judgement(Verdict.FAIL, (check,))).encode("utf-8")
