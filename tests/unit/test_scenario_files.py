"""Scenario files: what is right loads, and what is wrong is said with file, field, value and remedy."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ScenarioError
from harness.scenario import Burst, Scenario, find_scenario, list_scenarios, load_scenario
from harness.scenario.complaints import COMPLAINTS_MAX
from harness.scenario.files import FILE_BYTES_MAX
from tests.scenario_documents import document, scenario_of, written

_ARM = {"role": "after", "worker": {"command": ["worker"]}}
CHECKOUT = Path(__file__).parents[2]
ALL_SCENARIOS = [
    path for folder in ("scenarios", "tests/scenarios", "examples") for path in list_scenarios(CHECKOUT / folder)
]


def complaint_of(path: Path) -> str:
    """Return what loading ``path`` complains of, without the path itself, which must begin every line."""
    with pytest.raises(ScenarioError) as error:
        load_scenario(path)
    lines = str(error.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return "\n".join(line.removeprefix(f"{path}: ") for line in lines)


def complaint(tmp_path: Path, text: str) -> str:
    """Return what loading a file of ``text`` complains of."""
    path = tmp_path / "planted.yaml"
    path.write_text(text, encoding="utf-8")
    return complaint_of(path)


def test_a_scenario_file_becomes_plain_numbers(tmp_path: Path) -> None:
    """Guarantees the units after loading: seconds, bytes, messages a second, shares, seconds since midnight."""
    scenario = scenario_of(tmp_path)

    assert scenario.limit_bytes == 1000 * 2**20
    assert scenario.messages.size_min == 1_000_000
    healthy, hanging, burst, recovery = scenario.timeline
    assert (healthy.from_, healthy.to) == (39_600.0, 39_700.0)
    assert healthy.arrivals == pytest.approx(0.1)
    assert hanging.dependency is not None
    assert hanging.dependency.default.seconds == 60.0
    assert burst.arrivals == Burst(burst=40, over="10s")
    assert scenario.scale_of(burst) == 1.0
    assert scenario.scale_of(recovery) == 10.0
    assert recovery.ends_when is not None
    assert recovery.ends_when.drained
    assert scenario.arms["incident"].timers == {"MEMORY_API_TIMEOUT_SECONDS": 240.0}
    assert scenario.messages_planned == 50


@pytest.mark.parametrize("path", ALL_SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_of_the_tree_is_valid_and_survives_storing(path: Path, tmp_path: Path) -> None:
    """Guarantees that each scenario of the tree loads, and loads as itself from the JSON that a run keeps."""
    scenario = load_scenario(path)
    stored = tmp_path / "scenario.json"
    stored.write_text(scenario.model_dump_json(indent=2, by_alias=True), encoding="utf-8")

    assert load_scenario(stored) == scenario


def test_a_scenario_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    """Guarantees both ways of asking, the path first."""
    path = written(tmp_path, document())

    assert find_scenario("drill", tmp_path) == path
    assert find_scenario(str(path)) == path


@pytest.mark.parametrize("name", ["x" * 5000, "no\0name", "", ".", "/", "drill/"])
def test_a_name_that_can_be_no_file_is_only_not_found(name: str, tmp_path: Path) -> None:
    """Guarantees that a strange name ends as a scenario that is not there, not as a crash."""
    written(tmp_path, document())

    with pytest.raises(ScenarioError, match="neither a file nor a name"):
        find_scenario(name, tmp_path)


def test_a_misspelt_name_is_told_the_near_one(tmp_path: Path) -> None:
    """Guarantees the remedy for a typing error, and the list where nothing is near."""
    written(tmp_path, document())

    with pytest.raises(ScenarioError, match="did you mean 'drill'"):
        find_scenario("dril", tmp_path)
    with pytest.raises(ScenarioError, match="there are: drill"):
        find_scenario("earthquake", tmp_path)


MISSPELT: list[tuple[list[str | int], str, str, str]] = [
    ([], "seed", "sead", "sead: unknown field; did you mean 'seed'?"),
    (["messages"], "size_min", "sizemin", "messages.sizemin: unknown field; did you mean 'size_min'?"),
    (["timeline", 0], "from", "form", "timeline.0.form: unknown field; did you mean 'from'?"),
    (["timeline", 0], "from", "from_", "timeline.0.from_: unknown field; did you mean 'from'?"),
    (["timeline", 2, "arrivals"], "over", "ovre", "timeline.2.arrivals.ovre: unknown field; did you mean 'over'?"),
    (
        ["timeline", 1, "dependency", "default"],
        "mode",
        "mod",
        "timeline.1.dependency.default.mod: unknown field; did you mean",
    ),
    (["arms", "fixed"], "worker", "wroker", "arms.fixed.wroker: unknown field; did you mean 'worker'?"),
    (
        ["arms", "fixed", "expect"],
        "memory_budget",
        "memory_buget",
        "arms.fixed.expect.memory_buget: unknown field; did you mean 'memory_budget'?",
    ),
    (["reported", "points", 0], "at", "att", "reported.points.0.att: unknown field; did you mean 'at'?"),
]


@pytest.mark.parametrize(("path", "right", "misspelt", "said"), MISSPELT, ids=[case[2] for case in MISSPELT])
def test_a_misspelt_field_is_named_with_its_place_and_the_near_name(
    path: list[str | int], right: str, misspelt: str, said: str, tmp_path: Path
) -> None:
    """Guarantees the most helpful answer to the commonest mistake, at every depth of the file."""
    data: Any = document()
    place = data
    for part in path:
        place = place[part]
    place[misspelt] = place.pop(right)

    assert said in complaint_of(written(tmp_path, data))


def test_an_unknown_field_with_no_near_name_is_told_what_there_is(tmp_path: Path) -> None:
    """Guarantees a remedy where the word resembles nothing, or where nothing can be set."""
    data = document(weather="sunny")
    data["arms"]["fixed"]["expect"]["never_killed"] = {"loudly": True}
    said = complaint_of(written(tmp_path, data))

    assert "weather: unknown field; known here: name, claim" in said
    assert "arms.fixed.expect.never_killed.loudly: unknown field; there is nothing to set here" in said


def test_every_fault_is_said_and_too_many_are_counted(tmp_path: Path) -> None:
    """Guarantees that a file is mended in one go, and that a wrong file does not flood the terminal."""
    assert len(complaint_of(written(tmp_path, {"name": "X", "seed": "one"})).splitlines()) == 7

    lines = complaint_of(written(tmp_path, {f"field{n}": n for n in range(100)})).splitlines()
    assert len(lines) == COMPLAINTS_MAX + 1
    assert lines[-1] == "and 86 faults more"


WRONG_TYPES = [
    ("seed: yes", "seed: must be a valid integer (is 'yes')"),
    ("seed: '1'", "seed: must be a valid integer (is '1')"),
    ("seed: true", "seed: must be a valid integer (is True)"),
    ("seed: 1.5", "seed: must be a valid integer (is 1.5)"),
    ("seed: 4294967296", "seed: must be less than or equal to 4294967295 (is 4294967296)"),
    ("seed: -1", "seed: must be greater than or equal to 0 (is -1)"),
    ("time_scale: fast", "time_scale: must be a valid number (is 'fast')"),
    ("time_scale: 0", "time_scale: must be greater than 0 (is 0)"),
    ("time_scale: 1e999", "time_scale: must be a finite number (is inf)"),
    ("time_scale: 1" + "0" * 400, "time_scale: must be"),
    ("memory_limit: 3000", "memory_limit: 3000 is not a size; write a number with its unit: 100 kB, 3 MB, 3000 MiB"),
    ("timeline: []", "timeline: Tuple should have at least 1 item"),
    ("timeline: [1]", "timeline.0: must be a valid dictionary or instance of Phase (is 1)"),
    ("arms: {Loud!: {}}", "arms.Loud!: String should match pattern"),
    ("arms: {1: {}}", "arms.1: must be a valid string (is 1)"),
    ("1: one", "1: Keys should be strings"),
]


@pytest.mark.parametrize(("line", "said"), WRONG_TYPES, ids=[line[:20] for line, _ in WRONG_TYPES])
def test_a_value_of_a_wrong_type_is_named_with_its_field(line: str, said: str, tmp_path: Path) -> None:
    """Guarantees that nothing is coerced in silence: the field and the value that stood there are said."""
    assert said in complaint(tmp_path, line + "\n")


def test_times_and_words_that_yaml_would_change_stay_as_written(tmp_path: Path) -> None:
    """Guarantees that 11:42:04 without quotes is a time of day, and ``off`` a word: YAML 1.1 reads 42124 and false."""
    text = written(tmp_path, document()).read_text(encoding="utf-8")
    text = re.sub(r"'?11:02:00'?", "11:02:00", text).replace("after: '0.17'", "after: off")
    path = tmp_path / "unquoted.yaml"
    path.write_text(text, encoding="utf-8")

    scenario = load_scenario(path)

    assert scenario.reported.points[0].at == 39_720.0
    assert scenario.reported.metrics[0].after == "off"


NO_DOCUMENTS = [
    ("seed: 1\nseed: 2\n", "line 2: the key 'seed' stands twice; keep one"),
    ("messages: {publishers: 1, publishers: 2}\n", "line 1: the key 'publishers' stands twice; keep one"),
    ("seed: [1\n", "not readable as a scenario: line 2"),
    ("a: 1\n---\nb: 2\n", "expected a single document"),
    ("seed: &one 1\nname: *one\n", "line 2: the alias *one is not for scenarios; write its value out"),
    ("seed: !!int ''\n", "line 1: the tag tag:yaml.org,2002:int is not for scenarios; remove it"),
    ("seed: !!python/object:os.system x\n", "is not for scenarios"),
    ("? [a, b]\n: 1\n", "a key must be a plain word"),
    ("seed: " + "9" * 5000, "a number has more digits than can be read"),
    ("[" * 20_000, "nested too deeply"),
    ("- " * 2_000, "nested too deeply"),
    ("\x01\x02", "unacceptable character"),
    ("", "a scenario is a mapping of fields, this is NoneType"),
    ("just a text", "this is str"),
    ("- a\n- b\n", "this is list"),
    ("12", "this is int"),
]


@pytest.mark.parametrize(("text", "said"), NO_DOCUMENTS, ids=[said[:30] for _, said in NO_DOCUMENTS])
def test_a_text_that_is_no_scenario_is_said_on_one_line(text: str, said: str, tmp_path: Path) -> None:
    """Guarantees that every trap of YAML ends in one sentence: duplicates, aliases, tags, depth, huge numbers."""
    found = complaint(tmp_path, text)

    assert said in found
    assert len(found.splitlines()) == 1


def test_a_duplicate_key_in_stored_json_is_an_error_too(tmp_path: Path) -> None:
    """Guarantees that a run's scenario.json is read as strictly as a file in scenarios/."""
    path = tmp_path / "scenario.json"
    path.write_text('{"seed": 1, "seed": 2}', encoding="utf-8")
    assert "the key 'seed' stands twice" in complaint_of(path)

    path.write_text('{"seed": 1', encoding="utf-8")
    assert "not readable as a scenario" in complaint_of(path)

    path.write_text("[" * 50_000, encoding="utf-8")
    assert "nested too deeply" in complaint_of(path)


def test_a_file_that_cannot_be_a_text_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """Guarantees a sentence for binary files, huge files, folders and missing files."""
    path = tmp_path / "planted.yaml"
    path.write_bytes(b"name: \xff\xfe\x00drill")
    assert complaint_of(path) == "can't be read: byte 6 is not UTF-8; is this a text?"

    path.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    assert complaint_of(path) == f"larger than {FILE_BYTES_MAX} bytes; is this a scenario?"

    assert complaint_of(tmp_path) == "can't be read: it is no file"
    assert complaint_of(tmp_path / "missing.yaml") == "can't be read: it is no file"


def test_strange_texts_survive_storing(tmp_path: Path) -> None:
    """Guarantees the round trip for words that YAML and JSON write differently: controls, emoji, quotes, line ends."""
    claim = 'tab\t, del\x7f, quote", emoji 😀, line\nend, zero-width\u200b, backslash\\'
    path = tmp_path / "drill.json"
    path.write_text(json.dumps(document(claim=claim)), encoding="utf-8")
    scenario = load_scenario(path)
    assert scenario.claim == claim

    path.write_text(scenario.model_dump_json(by_alias=True), encoding="utf-8")
    assert load_scenario(path) == scenario


@pytest.mark.parametrize(
    ("limit", "kills"), [("500 MiB", "process"), ({"size": "500 MiB", "kills": "container"}, "container")]
)
def test_a_memory_limit_is_a_size_or_says_what_is_killed_at_it(limit: object, kills: str, tmp_path: Path) -> None:
    """Guarantees both ways of writing it, and that a run's scenario.json reads back."""
    scenario = Scenario.model_validate({**document(), "memory_limit": limit, "arms": {"a": _ARM}})
    (tmp_path / "scenario.json").write_text(scenario.model_dump_json(by_alias=True))

    assert (scenario.limit_bytes, scenario.memory_limit.kills) == (500 * 2**20, kills)
    assert load_scenario(tmp_path / "scenario.json").memory_limit == scenario.memory_limit


def test_a_scope_that_there_is_not_is_named(tmp_path: Path) -> None:
    """Guarantees the field and the choice for a limit that kills something else."""
    assert "memory_limit.kills" in complaint(tmp_path, "memory_limit: {size: 500 MiB, kills: pod}\n")
