"""Whatever stands in a scenario file, loading it ends in a valid scenario or in a ScenarioError: in nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import ScenarioError
from harness.scenario import Scenario, load_scenario
from tests.scenario_documents import document

# The folder is shared by the examples of one test: each writes its file anew.
FUZZ = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = yaml.safe_dump(document(), allow_unicode=True, sort_keys=False)
# What people and machines write where something else belongs.
WORDS = st.sampled_from(
    [
        *["~", "null", "true", "off", "0", "-1", "1e999", ".nan", "9" * 5000, "11:42:04", "2026-01-01", "60s", "99%"],
        *[
            "{}",
            "[]",
            "[",
            "{",
            "'",
            '"',
            "|",
            ">",
            "&a",
            "*a",
            "!!int",
            "!!binary x",
            "---",
            "...",
            "<<: {}",
            "? ",
            "%",
        ],
        *["\t", "\x00", "\x85", "\u2028", "\ufeff", "\ud7ff", "😀", "=", "- - - -", "#", ": :", ",,"],
    ]
)
KEYS = st.sampled_from(
    [
        "name",
        "seed",
        "timeline",
        "arms",
        "from",
        "mem0",
        "dependency",
        "fault",
        "rules",
        "worker",
        "expect",
        "points",
        "x",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)


def loaded(path: Path) -> Scenario | None:
    """Return the scenario in ``path``, or None where it was refused in sentences; anything else goes through."""
    refusals: list[str] = []
    try:
        scenario = load_scenario(path)
    except ScenarioError as error:
        refusals = str(error).splitlines()
    if refusals:
        assert refusals[0].startswith(str(path))
        assert len(refusals) < 30
        return None
    stored = path.with_suffix(".json")
    stored.write_text(scenario.model_dump_json(by_alias=True), encoding="utf-8")
    assert load_scenario(stored) == scenario
    return scenario


def places(node: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every node below the root of a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [(*path, key) for key, _ in items] + [place for key, inner in items for place in places(inner, (*path, key))]


@FUZZ
@given(data=st.binary(max_size=400))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    """Guarantees it for files that are no text at all."""
    path = tmp_path / "fuzzed.yaml"
    path.write_bytes(data)
    loaded(path)


@FUZZ
@given(text=st.text(st.sampled_from("abc:-[]{},#&*!|>'\"%@`~? \n\t01s/=<.\\\x00\u2028"), max_size=80))
def test_any_text_made_of_what_yaml_cares_about(tmp_path: Path, text: str) -> None:
    """Guarantees it for every way of getting YAML's own signs wrong."""
    path = tmp_path / "fuzzed.yaml"
    path.write_text(text, encoding="utf-8")
    loaded(path)


@FUZZ
@given(at=st.integers(0, len(TEXT)), cut=st.integers(0, 40), word=WORDS | st.text(max_size=10))
def test_a_valid_file_with_something_else_in_its_middle(tmp_path: Path, at: int, cut: int, word: str) -> None:
    """Guarantees it for the slip of a hand in a file that was right."""
    path = tmp_path / "fuzzed.yaml"
    path.write_text(TEXT[:at] + word + TEXT[at + cut :], encoding="utf-8", errors="replace")
    loaded(path)


@FUZZ
@given(place=st.sampled_from(places(document())), tree=TREES)
def test_a_valid_file_with_any_value_in_one_place(tmp_path: Path, place: tuple[Any, ...], tree: object) -> None:
    """Guarantees it for every wrong type in every field, through YAML's writer and through JSON's."""
    data: Any = document()
    node = data
    for part in place[:-1]:
        node = node[part]
    node[place[-1]] = tree
    as_json = tmp_path / "planted.json"
    as_json.write_text(json.dumps(data), encoding="utf-8")
    loaded(as_json)
    as_yaml = tmp_path / "planted.yaml"
    as_yaml.write_bytes(yaml.safe_dump(data, encoding="utf-8", allow_unicode=True))
    loaded(as_yaml)


@pytest.mark.parametrize("depth", [10, 100, 1_000, 30_000])
@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? "])
def test_any_depth(tmp_path: Path, bracket: str, depth: int) -> None:
    """Guarantees it for files that are nested deeper than any stack, in both notations."""
    path = tmp_path / "deep.yaml"
    path.write_text((bracket * depth)[:90_000], encoding="utf-8")
    assert loaded(path) is None


def test_the_document_that_is_fuzzed_is_valid(tmp_path: Path) -> None:
    """Guarantees that the fuzzing starts from something that gets past the first line."""
    path = tmp_path / "drill.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert loaded(path) is not None
