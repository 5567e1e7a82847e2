"""The words of an incident in a scenario file: turned into the engine's before validation, and back in complaints.

An incident may have names of its own for the engine's fields and faults, as for ``dependency``. Used by
``harness.scenario.files``; what a run stores is written in the engine's words. The words themselves are
``harness.incidents``'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED_BY_THE_USER = frozenset({"arms", "env", "timers"})  # mappings whose keys are names, not fields


class TwoWordsError(ValueError):
    """A mapping holds a field twice: in the incident's word and in the engine's."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A scenario in the engine's words, and which of the incident's own words stood in the file."""

    data: dict[str, Any]
    used: Mapping[str, str]  # the engine's word → the incident's

    def back(self, sentence: str) -> str:
        """Return a sentence about the data in the words that the file uses."""
        for engine, own in self.used.items():
            sentence = re.sub(rf"(?<![\w-]){re.escape(engine)}(?![\w-])", own, sentence)
        return sentence


def translate(data: dict[str, Any], words: Mapping[str, str]) -> Translated:
    """Return ``data`` with the fields and faults that are named in ``words`` (own → engine's) in the engine's words.

    Raises TwoWordsError.
    """
    used: dict[str, str] = {}
    return Translated(_fields(data, words, used), used)


def _fields(data: Mapping[Any, Any], words: Mapping[str, str], used: dict[str, str]) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for name, value in data.items():
        field = _engine_word(name, words, used)
        if field in result or (field != name and field in data):
            raise TwoWordsError(f"{name} and {field} are the same field; keep one")
        if name in _NAMED_BY_THE_USER and isinstance(value, dict):
            result[field] = {own: _inside(inner, words, used) for own, inner in value.items()}
        elif name == "fault":
            result[field] = _engine_word(value, words, used)
        else:
            result[field] = _inside(value, words, used)
    return result


def _inside(value: object, words: Mapping[str, str], used: dict[str, str]) -> object:
    if isinstance(value, dict):
        return _fields(value, words, used)
    return [_inside(each, words, used) for each in value] if isinstance(value, list) else value


def _engine_word(word: Any, words: Mapping[str, str], used: dict[str, str]) -> Any:
    """Return the engine's word for ``word``, and note that the incident's was used; any other value as it is."""
    if not isinstance(word, str) or word not in words:
        return word
    used[words[word]] = word
    return words[word]
