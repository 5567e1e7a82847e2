"""The faults in words: the command line and the reference say what the models say."""

import json
from pathlib import Path

import pytest

from harness.commands.list_scenarios import list_scenarios
from harness.faults.described import Described, Setting, describe_faults

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "faults.md"


def described(name: str) -> Described:
    """Return one fault in words."""
    return next(each for each in describe_faults() if each.name == name)


def test_settings_are_described_with_their_units_and_what_they_are_when_left_out() -> None:
    """Guarantees that nobody has to look into the models to write a scenario."""
    assert described("link_latency").settings == (
        Setting("for", "duration (250ms, 60s), of incident time", ""),
        Setting("stream", "upstream | downstream | both", "; both when left out"),
        Setting("latency", "duration (250ms, 60s), of incident time", ""),
        Setting("jitter", "duration (250ms, 60s), of incident time", "; 0s when left out"),
    )
    assert described("worker_terminated").settings == (
        Setting("grace", "duration (250ms, 60s), of incident time", "; 30s when left out"),
    )
    assert described("dependency_misbehaves").settings[1] == Setting(
        "default", "as in a phase's dependency", "; answers when left out"
    )


def test_the_reference_has_a_row_for_each_fault_with_each_of_its_settings() -> None:
    """Guarantees that the page is whole."""
    rows = {line.split("|")[1].strip(): line for line in REFERENCE.read_text().splitlines() if line.startswith("| `")}
    for each in describe_faults():
        row = rows[f"`{each.name}`"]
        assert f"| {each.part} |" in row
        assert all(f"`{setting.name}`" in row for setting in each.settings if setting.name != "for"), each.name


def test_they_are_listed_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """Guarantees both forms of ``harness list --faults``."""
    assert list_scenarios(faults=True) == 0
    text = capsys.readouterr().out
    assert "link_cut (link): Open connections are closed, and new ones refused." in text
    assert "    per_second: size (20 B, 100 kB), never scaled" in text
    assert "every fault: at" in text

    assert list_scenarios(faults=True, as_json=True) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == [each.name for each in describe_faults()]
