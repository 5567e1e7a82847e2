"""Rules for the dependency: what a scenario file says is exactly what fake_mem0 gets, and fake_mem0 understands it."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from fake_mem0.latency import PROFILES as FAKE_PROFILES
from fake_mem0.modes import MODES
from fake_mem0.modes.answering import Answer
from fake_mem0.rules_document import document as as_document
from fake_mem0.rules_document import parse
from harness.errors import ScenarioError
from harness.faults.dependency import PROFILES, SETTINGS_OF_MODE, DependencyRules
from tests.scenario_documents import document, scenario_of

SCALE = 20.0
# For each mode every setting that a scenario may give it, and what fake_mem0 must make of them at a scale of 20.
RULES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"mode": "answer", "latency": "incident"}, {"latency": {"profile": "incident", "scale": 20.0}}),
    ({"mode": "answer", "latency": "2s"}, {"latency": {"seconds": 0.1}}),
    ({"mode": "status", "status": 503, "retry_after": "50s"}, {"status": 503, "retry_after_s": 2.5}),
    ({"mode": "hang_then_500", "seconds": "60.8s"}, {"seconds": 3.04}),
    ({"mode": "hang_forever"}, {}),
    (
        {"mode": "drip_headers", "bytes_per_interval": 2, "interval": "60s"},
        {"bytes_per_interval": 2, "interval_s": 3.0},
    ),
    ({"mode": "drip_body", "bytes_per_interval": 1, "interval": "60s"}, {"bytes_per_interval": 1, "interval_s": 3.0}),
    ({"mode": "reset_before"}, {}),
    ({"mode": "reset_mid_body", "after_bytes": 10}, {"after_bytes": 10}),
    ({"mode": "truncated_json", "after_bytes": 10}, {"after_bytes": 10}),
    ({"mode": "invalid_json"}, {}),
    ({"mode": "wrong_type", "shape": "list"}, {"shape": "list"}),
    (
        {"mode": "endless", "bytes_per_interval": 100, "interval": "2s", "cap": "10m", "cap_size": "1 MB"},
        {"bytes_per_interval": 100, "interval_s": 0.1, "cap_s": 30.0, "cap_bytes": 1_000_000},
    ),
    ({"mode": "huge", "size": "50 MB"}, {"size_bytes": 50_000_000}),
    ({"mode": "refuse"}, {}),
]


def rules(**given: Any) -> DependencyRules:
    """Return validated rules."""
    return DependencyRules.model_validate(given)


@pytest.mark.parametrize(("said", "meant"), RULES, ids=[f"{said['mode']}-{len(said)}" for said, _ in RULES])
def test_fake_mem0_understands_every_mode_with_every_setting(said: dict[str, Any], meant: dict[str, Any]) -> None:
    """Guarantees that no valid scenario is refused by fake_mem0 in the middle of a run, and that units are right."""
    rule = rules(default=said).default

    understood: Any = as_document(parse({"default": rule.as_wire(SCALE), "rules": []}, {"/": Answer()}))["default"]

    assert understood["mode"] == said["mode"]
    for name, value in meant.items():
        assert understood[name] == pytest.approx(value), name


def test_the_table_of_modes_is_that_of_fake_mem0() -> None:
    """Guarantees that a mode, a setting or a profile which fake_mem0 gains can't be forgotten here."""
    assert set(SETTINGS_OF_MODE) == set(MODES)
    assert {name: len(settings) for name, settings in SETTINGS_OF_MODE.items()} == {
        name: len(fields(mode)) for name, mode in MODES.items()
    }
    assert set(PROFILES) == set(FAKE_PROFILES)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mode": "hang"}, "'hang' is no mode of the dependency; there are answer, status, hang_then_500"),
    ({"mode": "answer", "latency": "helthy"}, "'helthy' is no profile (healthy, incident) and no duration (2s)"),
    ({"mode": "answer", "seconds": "5s"}, "seconds is no setting of the mode 'answer', which has latency"),
    ({"mode": "hang_forever", "seconds": "5s"}, "which has no setting at all"),
    ({"mode": "hang_then_500", "seconds": 60}, "60 is not a duration"),
    ({"mode": "status", "status": 200}, "must be greater than or equal to 400 (is 200)"),
    ({"mode": "answer", "rate": "50%"}, "the default takes what the rules leave; its rate is not for you to say"),
    ({"mode": "wrong_type", "shape": "banana"}, "must be 'fields', 'list', 'null' or 'string'"),
]


@pytest.mark.parametrize(("default", "said"), WRONG, ids=[said[:30] for _, said in WRONG])
def test_a_rule_that_fake_mem0_would_refuse_is_refused_when_the_file_is_read(
    default: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """Guarantees exit 2 before anything is started, not a broken trial minutes later."""
    data = document()
    data["timeline"][0]["dependency"] = {"default": default}

    with pytest.raises(ScenarioError) as error:
        scenario_of(tmp_path, **data)

    assert said in str(error.value)
    assert "timeline.0.dependency" in str(error.value)


def test_shares_may_not_add_up_to_more_than_everybody() -> None:
    """Guarantees the sum of the rates, with room for the last digit of ten tenths."""
    tenths = [{"mode": "hang_forever", "rate": 0.1} for _ in range(10)]
    assert not rules(default={"mode": "answer"}, rules=tenths).faulty_modes - {"hang_forever"}

    with pytest.raises(ValueError, match=r"add up to 1\.1; at most 1"):
        rules(rules=[*tenths, {"mode": "hang_forever", "rate": "10%"}])


def test_a_port_is_shut_for_everybody_or_for_nobody() -> None:
    """Guarantees what fake_mem0 demands of refuse."""
    with pytest.raises(ValueError, match="a shut port is shut for everybody"):
        rules(rules=[{"mode": "refuse", "rate": "50%"}])


def test_faulty_modes_are_those_that_some_call_meets() -> None:
    """Guarantees what must be seen in the journal before a verdict counts."""
    hang = {"mode": "hang_then_500", "seconds": "60s"}
    assert rules(default=hang).faulty_modes == {"hang_then_500"}
    assert rules(rules=[{**hang, "rate": "10%"}]).faulty_modes == {"hang_then_500"}
    assert rules(rules=[{**hang, "rate": 0}]).faulty_modes == frozenset()
    assert rules(default=hang, rules=[{"mode": "answer", "rate": 1}]).faulty_modes == frozenset()


def test_shares_are_those_of_the_rules_and_what_they_leave() -> None:
    """Guarantees how many calls a mode can be expected to meet, also where it is named twice or by the default."""
    hang = {"mode": "hang_forever"}
    twice = rules(default=hang, rules=[{**hang, "rate": "10%"}, {"mode": "answer", "rate": "70%"}])
    assert twice.faulty_shares == pytest.approx({"hang_forever": 0.3})
    assert rules(rules=[{**hang, "rate": "0.1%"}]).faulty_shares == pytest.approx({"hang_forever": 0.001})


def test_nobody_is_answered_when_no_share_of_the_calls_meets_an_answer() -> None:
    """Guarantees which phases count as hanging: those in which no call at all is answered."""
    hang = {"mode": "hang_forever"}
    assert rules(default=hang).answers_nobody
    assert rules(default=hang, rules=[{"mode": "reset_before", "rate": "50%"}]).answers_nobody
    assert not rules(default=hang, rules=[{"mode": "answer", "rate": "1%"}]).answers_nobody
    assert not rules(rules=[{**hang, "rate": "99%"}]).answers_nobody
    assert rules(rules=[{**hang, "rate": "100%"}]).answers_nobody
