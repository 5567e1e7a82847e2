"""The settings of a mode: fields of a frozen dataclass that state their unit, their meaning and what they accept.

``modes/`` and ``latency`` declare fields with the functions below; ``rules_document`` builds them from JSON with
``build``, the one place where values from outside are checked; ``cli modes`` lists them with ``described``. No value is
ever corrected in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from fake_mem0.errors import BadSettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed import DataclassInstance

_KEY = "setting"
_DAY_S = 86_400.0  # no wait is longer: every scenario is minutes of an incident

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Setting:
    """What one field accepts. ``read`` takes ``(value, where)``, returns the value or raises BadSettingError."""

    unit: str  # "" where there is none
    meaning: str
    accepted: str
    read: Callable[[object, str], Any]


def bad(where: str, value: object, accepted: str) -> BadSettingError:
    """Return the error for a value that is not accepted. ``where`` is the field's place in the document."""
    return BadSettingError(f"{where} is {value!r}; accepted: {accepted}")


def read_number(value: object, where: str, least: float, most: float) -> float:
    """Return ``value`` as a float when it is a number in [least, most]; raise BadSettingError otherwise."""
    return _read_number(value, where, least, most, f"a number from {least:g} to {most:g}")


def declare(default: Any, setting: Setting) -> Any:
    """Return a dataclass field with that default and that setting."""
    return field(default=default, metadata={_KEY: setting})


def number(default: float | None, meaning: str, *, unit: str, least: float, most: float) -> Any:
    """Declare a number in [least, most]; with the default None, null is accepted too."""
    accepted = f"a number from {least:g} to {most:g} {unit}".rstrip() + (", or null" if default is None else "")

    def read(value: object, where: str) -> float | None:
        return None if value is None and default is None else _read_number(value, where, least, most, accepted)

    return declare(default, Setting(unit, meaning, accepted, read))


def seconds(default: float | None, meaning: str, *, least: float = 0.0) -> Any:
    """Declare a real time in seconds, at most a day; with the default None, null is accepted too."""
    return number(default, meaning, unit="s", least=least, most=_DAY_S)


def whole(default: int, meaning: str, *, unit: str, least: int, most: int) -> Any:
    """Declare a whole number in [least, most]."""
    accepted = f"a whole number from {least} to {most} {unit}".rstrip()

    def read(value: object, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise bad(where, value, accepted)
        return value

    return declare(default, Setting(unit, meaning, accepted, read))


def choice(default: str, meaning: str, options: tuple[str, ...]) -> Any:
    """Declare one of ``options``."""
    accepted = "one of " + ", ".join(options)

    def read(value: object, where: str) -> str:
        if not isinstance(value, str) or value not in options:
            raise bad(where, value, accepted)
        return value

    return declare(default, Setting("", meaning, accepted, read))


def described(kind: type[DataclassInstance]) -> list[tuple[str, Any, Setting]]:
    """Return (name, default, setting) of every field of ``kind``."""
    return [(each.name, each.default, each.metadata[_KEY]) for each in fields(kind)]


def build(kind: type[T], given: Mapping[str, object], where: str) -> T:
    """Return ``kind`` with the given settings, the others at their defaults.

    ``where`` is the object's place in the document (``rules[0]``). Raises BadSettingError on a name that ``kind`` does
    not have, and on a value that its field does not accept.
    """
    settings = {name: setting for name, _, setting in described(kind)}
    for name, value in given.items():
        if name not in settings:
            names = ", ".join(settings) or "no setting at all"
            raise BadSettingError(
                f"{where}.{name} is no setting of {kind.__name__} (its value is {value!r}); accepted: {names}"
            )
    return kind(**{name: settings[name].read(value, f"{where}.{name}") for name, value in given.items()})


def _read_number(value: object, where: str, least: float, most: float, accepted: str) -> float:
    # The bounds keep out NaN, infinities, and integers that no float holds.
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    raise bad(where, value, accepted)
