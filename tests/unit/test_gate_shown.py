"""The gate shown to work: the recorded repeats of the documentation, and the drawing that says what they prove."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.commands.gate_power import RECORDED
from harness.errors import UsageError
from harness.gate.power import PILOT
from harness.gate.shown import Share, load_recorded, shares

SETS = 300


@pytest.fixture(scope="module")
def found() -> dict[str, Share]:
    """The shares of the documentation's own repeats, from fewer sets than the page has."""
    return {share.case: share for share in shares(load_recorded(RECORDED), PILOT, SETS)}


def test_the_recorded_repeats_of_one_build_hardly_ever_cry_wolf(found: dict[str, Share]) -> None:
    """Guarantees at most 1 % of false alarms, in all metrics together."""
    assert found["A/A: the same build"].red <= 0.01 * SETS


def test_what_is_planted_is_found(found: dict[str, Share]) -> None:
    """Guarantees 95 %, for what is added to the figures and for what was really in the code."""
    planted = {case: share.red for case, share in found.items() if not case.startswith("A/A")}
    assert len(planted) == 6
    assert min(planted.values()) >= 0.95 * SETS, planted


def test_the_drawing_can_find_nothing(tmp_path: Path) -> None:
    """Guarantees that the shares are no constants: among repeats that differ by half, + 5 % is mostly missed."""
    noisy = [
        {"peak": 80.0 + 40 * (number % 2), "kept": 20.0 + 30 * (number % 2), "slope": 0.0, "throughput": 40.0}
        for number in range(12)
    ]
    (tmp_path / "noisy.json").write_text(json.dumps({"machine": {}, "repeats": noisy, "planted": {}}))
    missed = {share.case: share for share in shares(load_recorded(tmp_path / "noisy.json"), 4, 100)}
    assert missed["resampled: the peak + 5 %"].red < 50


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a file of recorded repeats"),
        ('{"machine": {}, "repeats": [{"peak": 1}], "planted": {}}', "not a file of recorded repeats"),
        ('{"machine": [], "repeats": [], "planted": {}}', "not a file of recorded repeats"),
    ],
)
def test_what_is_no_file_of_repeats_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Guarantees exit 2, with the file named."""
    path = tmp_path / "repeats.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        load_recorded(path)


def test_too_few_repeats_for_two_builds_are_refused() -> None:
    """Guarantees disjoint draws: an A/A gate that shares repeats between its builds would be too good."""
    recorded: Any = load_recorded(RECORDED)
    with pytest.raises(UsageError, match="don't make two builds of 100"):
        shares(recorded, 100)
    with pytest.raises(UsageError, match="No such file"):
        load_recorded(Path("no-such-file.json"))
