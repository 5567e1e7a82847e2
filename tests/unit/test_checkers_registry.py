"""The registry of checks: found without a list, described without a copy, and each trait acted upon."""

import json
from pathlib import Path

import pytest

from harness.checkers import registry
from harness.checkers.described import Threshold, describe_checks, reference_page
from harness.commands.list_scenarios import list_scenarios
from harness.errors import UsageError
from harness.scenario import Expect

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "checks.md"


def test_each_check_is_a_field_of_expect_or_made_anyway() -> None:
    """Guarantees that a check which a room's file defines is expectable without another edit."""
    expectable = {check.key for check in registry.all_checks() if not check.is_precondition}

    assert expectable == Expect.model_fields.keys()
    assert {"memory_budget", "one_incarnation", "restarts_at_most"} <= expectable
    assert all(check.thresholds is None for check in registry.preconditions())


def test_preconditions_come_first() -> None:
    """Guarantees that a report says first whether there was anything to judge."""
    is_precondition = [check.is_precondition for check in registry.all_checks()]
    assert is_precondition == sorted(is_precondition, reverse=True)


def test_each_trait_names_a_threshold_that_there_is() -> None:
    """Guarantees that no trait is misspelt: it would be ignored in silence."""
    keys = {check.key for check in registry.all_checks()}
    for check in registry.all_checks():
        fields = check.thresholds.model_fields.keys() if check.thresholds else set()
        named = {*check.phases, *(size.field for size in check.sizes), *filter(None, (check.other_arm, check.restarts))}
        assert named <= fields, check.name
        assert {*check.excludes, *check.small_without} <= keys, check.name


def test_a_check_is_described_with_its_thresholds_and_their_defaults() -> None:
    """Guarantees the forms of sizes, shares, whole numbers, choices and names."""
    found = {each.key: each for each in describe_checks()}

    assert found["memory_budget"].thresholds == (
        Threshold("peak_at_most", "size (375 MiB, 20 MB)", ""),
        Threshold("of", "working_set | anonymous | rss | cgroup", "working_set"),
        Threshold("rss_at_most", "size (375 MiB, 20 MB)", "not bounded"),
    )
    assert found["oom_killed"].thresholds[0] == Threshold("kills", "whole number, at least 1", "1")
    assert found["oom_killed"].thresholds[2] == Threshold("peak_at_least", "share (10%, 0.99)", "0.99")
    assert found["oom_killed"].arms == "arms of role before or reported only"


def test_the_reference_page_is_what_the_registry_says() -> None:
    """Guarantees that the page is current: ``python -m harness.checkers.described > docs/reference/checks.md``."""
    assert REFERENCE.read_text(encoding="utf-8") == reference_page()


def test_they_are_listed_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """Guarantees both forms of ``harness list --checks``."""
    assert list_scenarios(checks=True) == 0
    text = capsys.readouterr().out
    assert "restarts_at_most (of arms that expect it): The worker is started again no more often than this" in text
    assert "    kills: whole number, at least 1; 1 when left out" in text

    assert list_scenarios(checks=True, as_json=True) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == [each.name for each in describe_checks()]


def test_two_lists_at_once_are_refused() -> None:
    """Guarantees that ``--checks --faults`` says what to do."""
    with pytest.raises(UsageError, match="ask for one"):
        list_scenarios(checks=True, faults=True)
