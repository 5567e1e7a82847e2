"""From the text of a scenario file to plain data: YAML without its traps, or JSON as a run stores it.

Used by ``harness.scenario.files``. It knows no field of a scenario. YAML is read as version 1.2 would: ``11:42:04`` and
``off`` stay texts (1.1 makes 42124 and false of them). A key that stands twice, an alias and a tag are errors: none of
them can be meant, and aliases can blow a page up to gigabytes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable


class NotADocumentError(ValueError):
    """The text is neither YAML nor JSON that a scenario may use. The message says where and why, on one line."""


def parse_yaml(text: str) -> object:
    """Return the data in one YAML document. Raises NotADocumentError."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise NotADocumentError(where + ", ".join(filter(None, (error.context, error.problem)))) from error
    except yaml.YAMLError as error:
        raise NotADocumentError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise NotADocumentError("nested too deeply") from error
    except ValueError as error:
        raise NotADocumentError("a number has more digits than can be read") from error


def parse_json(text: str) -> object:
    """Return the data in a JSON text. Raises NotADocumentError."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError as error:
        raise NotADocumentError("nested too deeply") from error
    except ValueError as error:
        raise NotADocumentError(str(error)) from error


def _refusal(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, problem, mark)


class _Loader(yaml.SafeLoader):
    """The safe loader with the plain values of YAML 1.2 alone."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases and explicit tags before anything is made of them."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # so the stubs have it
        if isinstance(event, yaml.AliasEvent):
            raise _refusal(f"the alias *{event.anchor} is not for scenarios; write its value out", event.start_mark)
        if tag := getattr(event, "tag", None):
            raise _refusal(f"the tag {tag} is not for scenarios; remove it", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping; a key that stands twice is an error."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refusal("a key must be a plain word", key_node.start_mark)
            if key_node.value in seen:
                raise _refusal(f"the key {key_node.value!r} stands twice; keep one", key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


def _number_of_yaml(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | float:
    """Read a number as JSON does: PyYAML's own reading of 1.1 finds octals and base sixty in the digits."""
    number: int | float = json.loads(str(loader.construct_scalar(node)).removeprefix("+"))
    return number


_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_SIGN_OR_DIGIT = list("-+0123456789")
_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver(_INT, re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), _SIGN_OR_DIGIT)
_Loader.add_implicit_resolver(
    _FLOAT, re.compile(r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"), _SIGN_OR_DIGIT
)
_Loader.add_constructor(_INT, _number_of_yaml)
_Loader.add_constructor(_FLOAT, _number_of_yaml)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise NotADocumentError(f"the key {key!r} stands twice; keep one")
        found[key] = value
    return found
