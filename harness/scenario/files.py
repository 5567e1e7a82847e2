"""Scenario files: found by name or path, read, validated, and every fault said with file, field, value and remedy.

Used by the commands, and for the ``scenario.json`` of a stored run. Reads only; what the file means is the model's
affair, what its text means that of ``documents``.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.errors import ScenarioError
from harness.incidents import DEFAULT, incident_names, words_of
from harness.scenario.complaints import complaints, one_line
from harness.scenario.documents import NotADocumentError, parse_json, parse_yaml
from harness.scenario.model import Scenario
from harness.scenario.words import TwoWordsError, translate

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_BYTES_MAX = 100_000  # a scenario is a page or two; anything near this is some other file
SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


def list_scenarios(folder: Path = SCENARIOS) -> tuple[Path, ...]:
    """Return the scenario files that come with the harness, by name."""
    return tuple(sorted(folder.glob("*.yaml")))


def find_scenario(name_or_path: str, folder: Path = SCENARIOS) -> Path:
    """Return the file of a scenario given by name (``incident_1142``) or by path.

    Raises ScenarioError when there is none.
    """
    path = Path(name_or_path)
    for candidate in (path, folder / f"{name_or_path}.yaml"):
        if _is_file(candidate):
            return candidate
    names = [known.stem for known in list_scenarios(folder)]
    near = difflib.get_close_matches(path.stem, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}"
    raise ScenarioError(
        f"no scenario {one_line(repr(name_or_path))}: neither a file nor a name in {folder.name}/; {hint}"
    )


def load_scenario(path: Path) -> Scenario:
    """Return the scenario in ``path``, validated. ``.json`` is read as JSON, anything else as YAML.

    Raises:
        ScenarioError: the file can't be read, is no YAML, or a field is wrong: each fault in a line with its field and
            value.

    """
    text = _read(path)
    try:
        data = parse_json(text) if path.suffix == ".json" else parse_yaml(text)
    except NotADocumentError as error:
        raise ScenarioError(f"{path}: not readable as a scenario: {one_line(error)}") from error
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}: a scenario is a mapping of fields, this is {type(data).__name__}; see scenarios/")
    try:
        translated = translate(data, _words_of(data))
    except TwoWordsError as error:
        raise ScenarioError(f"{path}: {one_line(error)}") from error
    try:
        scenario = Scenario.model_validate(translated.data)
    except ValidationError as error:
        said = (translated.back(each) for each in complaints(error, Scenario))
        raise ScenarioError("\n".join(f"{path}: {each}" for each in said)) from error
    return _placed(scenario, path.absolute().parent)


def _words_of(data: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the words of the incident that a scenario is one of; none for an incident that there is not."""
    incident = data.get("incident", DEFAULT)
    return words_of(incident) if incident in incident_names() else {}


def _placed(scenario: Scenario, base: Path) -> Scenario:
    """Return the scenario with the folder of every command absolute; ``base`` where none is named."""
    arms = {
        name: arm
        if arm.worker.command is None
        else arm.model_copy(
            update={"worker": arm.worker.model_copy(update={"folder": str(base / (arm.worker.folder or ""))})}
        )
        for name, arm in scenario.arms.items()
    }
    return scenario.model_copy(update={"arms": arms})


def _read(path: Path) -> str:
    """Return the file's text. Nothing is opened that could block, and never more than a scenario can be is read."""
    if not _is_file(path):
        raise ScenarioError(f"{path}: can't be read: it is no file")
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise ScenarioError(f"{path}: larger than {FILE_BYTES_MAX} bytes; is this a scenario?")
        return data.decode()
    except OSError as error:
        raise ScenarioError(f"{path}: can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: can't be read: byte {error.start} is not UTF-8; is this a text?") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, for one
        return False
