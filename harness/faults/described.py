"""The faults in words: what each does, and what each setting is written as. Read off the models, so they can't differ.

Used by ``harness list --faults``, and by the test that holds docs/reference/faults.md to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from pydantic import BeforeValidator

from harness.faults.registry import FAULTS
from harness.fields import quantities

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

TIMES_IN_WORDS = (
    'at "11:42:04" or after 30s (since the phase began; 0s), once; '
    "or drawn from the seed: rate 6/min (of incident time) over 60s"
)
_TIMES = frozenset({"fault", "at", "after", "rate", "over"})
_FORMS = {
    quantities.parse_duration_s: "duration (250ms, 60s), of incident time",
    quantities.parse_bytes: "size (20 B, 100 kB), never scaled",
}
_RULES = "as in a phase's dependency"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in a scenario file, how it is written, and what it is when left out."""

    name: str
    form: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class Described:
    """One fault in words."""

    name: str
    part: str
    meaning: str
    settings: tuple[Setting, ...]


def describe_faults() -> tuple[Described, ...]:
    """Return every fault that a scenario may name, in the order of the part that it is done to."""
    return tuple(
        Described(
            name,
            model.part,
            " ".join(str(model.__doc__).replace("``", "").split()),
            tuple(_setting(key, field) for key, field in model.model_fields.items() if key not in _TIMES),
        )
        for name, model in FAULTS.items()
    )


def _setting(key: str, field: FieldInfo) -> Setting:
    if get_origin(field.annotation) is Literal:
        form = " | ".join(get_args(field.annotation))
    else:
        parsers = [each.func for each in field.metadata if isinstance(each, BeforeValidator)]
        form = next((_FORMS[parser] for parser in parsers if parser in _FORMS), _RULES)
    return Setting(field.alias or key, form, "" if field.is_required() else f"; {_default(field)} when left out")


def _default(field: FieldInfo) -> str:
    default = field.default
    if isinstance(default, float):
        return f"{default:g}s"
    if isinstance(default, tuple):
        return "none"
    return default if isinstance(default, str) else "answers"
