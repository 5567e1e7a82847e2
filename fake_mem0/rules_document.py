"""Rules as JSON: the document of ``PUT /modes`` and ``GET /modes``, and the short form of the command line.

The one place where rules from outside are checked; every error is a BadSettingError that names the field, the value and
what is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TypeAlias

from fake_mem0 import settings
from fake_mem0.errors import BadSettingError
from fake_mem0.modes import MODES, Mode, Refuse, name_of
from fake_mem0.rules import Rule, RuleSet

# One rule for each mode and as many again; more is a mistake.
_RULES_MAX = 32
# Ten rates of 0.1 sum to a little more or less than 1.
_RATE_SLACK = 1e-9

Document: TypeAlias = Mapping[str, object]


def parse(document: object, defaults: Mapping[str, Mode]) -> RuleSet:
    """Return the rules that the document says.

    Keys: ``rules`` (a list, empty when left out), ``default`` (a mode), ``path``. ``defaults`` holds the paths that are
    served, each with its own default mode; the first is meant where the document names none. Raises BadSettingError on
    anything else.
    """
    fields = _mapping(document, "the document")
    for name, value in fields.items():
        if name not in {"rules", "default", "path"}:
            raise BadSettingError(
                f"{name} is no key of the document (its value is {value!r}); accepted: rules, default, path"
            )
    path = fields.get("path", next(iter(defaults)))
    if not isinstance(path, str) or path not in defaults:
        raise settings.bad("path", path, " or ".join(defaults))
    given = fields.get("rules", [])
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > _RULES_MAX:
        raise settings.bad("rules", given, f"a list of at most {_RULES_MAX} rules")
    rules = tuple(_rule(_mapping(each, f"rules[{index}]"), f"rules[{index}]") for index, each in enumerate(given))
    _check_rates(rules)
    default = defaults[path] if "default" not in fields else parse_mode(fields["default"], "default")
    return RuleSet(path, rules, default)


def document(rules: RuleSet) -> Document:
    """Return rules as JSON, every setting written out; ``parse`` gives them back."""
    return {
        "path": rules.path,
        "rules": [{**_mode_document(rule.mode), "rate": rule.rate} for rule in rules.rules],
        "default": _mode_document(rules.default),
    }


def parse_short(text: str) -> Document:
    """Return the JSON object of a short form.

    ``hang_then_500:rate=0.3,seconds=3``, or ``answer:latency.profile=incident,latency.scale=20``.
    A value is read as JSON where it is JSON, else as text; a dot reaches into an object. Modes and settings are checked
    by ``parse``, not here.
    """
    mode, _, pairs = text.partition(":")
    result: dict[str, object] = {"mode": mode}
    for pair in filter(None, pairs.split(",")):
        name, equals, value = pair.partition("=")
        outer, dot, inner = name.partition(".")
        if not equals or not outer or (dot and not inner):
            raise BadSettingError(f"{pair!r} in {text!r} is no setting; accepted: name=value, such as seconds=3")
        place = result.setdefault(outer, {}) if dot else result
        key = inner if dot else outer
        if not isinstance(place, dict) or key in place:
            raise BadSettingError(f"{name!r} is set twice in {text!r}; accepted: each setting once")
        place[key] = _value(value)
    return result


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _mapping(value: object, where: str) -> Document:
    if not isinstance(value, Mapping):
        raise settings.bad(where, value, "an object")
    return value


def parse_mode(document: object, where: str) -> Mode:
    """Return the mode that ``document`` names, with its settings. Raises BadSettingError."""
    given = _mapping(document, where)
    name = given.get("mode")
    if not isinstance(name, str) or name not in MODES:
        raise settings.bad(f"{where}.mode", name, ", ".join(MODES))
    return settings.build(MODES[name], {key: value for key, value in given.items() if key != "mode"}, where)


def _rule(given: Document, where: str) -> Rule:
    rate = settings.read_number(given.get("rate"), f"{where}.rate", 0.0, 1.0)
    mode = parse_mode({key: value for key, value in given.items() if key != "rate"}, where)
    if isinstance(mode, Refuse) and rate != 1.0:
        raise BadSettingError(
            f"{where}.rate is {rate:g}; accepted for refuse: 1, since a shut port is shut for everybody"
        )
    return Rule(mode, rate)


def _check_rates(rules: Sequence[Rule]) -> None:
    total = sum(rule.rate for rule in rules)
    if total > 1.0 + _RATE_SLACK:
        rates = " + ".join(f"{rule.rate:g}" for rule in rules)
        raise BadSettingError(f"the rates of rules sum to {total:g} ({rates}); accepted: at most 1")


def _mode_document(mode: Mode) -> Document:
    return {"mode": name_of(mode), **asdict(mode)}
