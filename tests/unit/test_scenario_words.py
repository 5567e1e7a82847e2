"""The words of an incident in a scenario file: they mean the engine's fields, and complaints are made in them."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ScenarioError
from harness.scenario import Scenario, load_scenario
from harness.scenario.words import TwoWordsError, translate
from tests.scenario_documents import document, scenario_of, written

WORDS = {"mem0": "dependency", "mem0_misbehaves": "dependency_misbehaves"}
HANG = {"default": {"mode": "hang_forever"}}


def in_own_words() -> dict[str, Any]:
    """Return the drill in the words of pika_mem0."""
    data = document()
    for phase in data["timeline"]:
        if "dependency" in phase:
            phase["mem0"] = phase.pop("dependency")
    data["timeline"][1]["faults"] = [{"fault": "mem0_misbehaves", "for": "10s", **HANG}]
    return data


def test_a_file_in_the_incident_s_words_means_the_engine_s(tmp_path: Path) -> None:
    """Guarantees that ``mem0`` and ``mem0_misbehaves`` go on working, and are stored in the engine's words."""
    scenario = scenario_of(tmp_path, **in_own_words())

    assert scenario.timeline[1].dependency is not None
    assert [fault.fault for fault in scenario.timeline[1].faults] == ["dependency_misbehaves"]
    stored = tmp_path / "scenario.json"
    stored.write_text(scenario.model_dump_json(by_alias=True), encoding="utf-8")
    assert '"mem0"' not in stored.read_text(encoding="utf-8")
    assert load_scenario(stored) == scenario


def test_a_complaint_names_the_word_that_the_file_uses(tmp_path: Path) -> None:
    """Guarantees that nobody is told of a field that does not stand in the file."""
    data = in_own_words()
    data["timeline"][1]["mem0"]["default"]["mode"] = "lightning"
    data["timeline"][1]["faults"][0]["after"] = "1h"
    with pytest.raises(ScenarioError, match=r"timeline\.1\.mem0\.default\.mode: 'lightning' is no mode") as refusal:
        load_scenario(written(tmp_path, data))
    assert "dependency" not in str(refusal.value)

    del data["timeline"][1]["mem0"]
    with pytest.raises(ScenarioError, match="mem0_misbehaves does not lie within its phase"):
        load_scenario(written(tmp_path, data))

    engine = document()
    engine["timeline"][1]["dependency"]["default"]["mode"] = "lightning"
    with pytest.raises(ScenarioError, match=r"timeline\.1\.dependency\.default"):
        load_scenario(written(tmp_path, engine))


def test_a_field_in_both_words_is_refused(tmp_path: Path) -> None:
    """Guarantees that neither is dropped in silence, whichever comes first."""
    for first, second in (("mem0", "dependency"), ("dependency", "mem0")):
        with pytest.raises(TwoWordsError, match="are the same field; keep one"):
            translate({first: HANG, second: HANG}, WORDS)
    data = in_own_words()
    data["timeline"][1]["dependency"] = {"default": {"mode": "answer"}}
    with pytest.raises(ScenarioError, match="keep one"):
        load_scenario(written(tmp_path, data))


def test_names_that_the_user_gives_are_no_fields() -> None:
    """Guarantees that an arm or a variable may be called as the incident calls a field."""
    data: dict[str, Any] = {"arms": {"mem0": {"env": {"mem0": "x"}}}, "name": "mem0"}
    translated = translate(data, WORDS)
    assert translated.data == data
    assert translated.back("dependency: wrong") == "dependency: wrong"


def test_a_scenario_of_no_incident_has_no_words_of_its_own(tmp_path: Path) -> None:
    """Guarantees that the engine itself does not know the incident's words."""
    data = in_own_words()
    with pytest.raises(ValueError, match="mem0"):
        Scenario.model_validate(data)
    data["incident"] = "none"
    with pytest.raises(ScenarioError, match=r"timeline\.1\.mem0: unknown field"):
        load_scenario(written(tmp_path, data))
