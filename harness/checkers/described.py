"""The checks in words: what each means, its thresholds with their defaults, and which arms may expect it.

Read off the registry, so that words and checks can't differ. Used by ``harness list --checks``;
``python -m harness.checkers.described`` prints docs/reference/checks.md, which a test holds current.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt
from pydantic import BeforeValidator

from harness.checkers.registry import all_checks
from harness.fields import quantities

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from harness.checkers.check import Check

_QUANTITIES = {
    quantities.parse_duration_s: "duration (60s, 4m), of incident time",
    quantities.parse_bytes: "size (375 MiB, 20 MB)",
    quantities.parse_fraction: "share (10%, 0.99)",
}
_PAGE_HEAD = """# Checks

What an arm of a scenario may name under `expect`, and what is judged of every arm. Generated from the registry (`python
-m harness.checkers.described`); `harness list --checks` prints the same. [How a scenario says
it](scenario-files.md#an-arm), [how to add one](../how-to/add-a-checker.md).

A check that misses is a **fail** for an arm of role `after`, and **unknown** for the others, which have then not
reproduced what is said of them. What a check needs and does not find on record makes it unknown, never a pass.
"""


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold: its name in a scenario file, how it is written, and what it is when left out."""

    name: str
    form: str
    otherwise: str  # empty: it has to be given


@dataclass(frozen=True, slots=True)
class Described:
    """One check in words. ``key`` is its field in ``expect``; empty for one that is made whatever is expected."""

    room: str
    name: str
    key: str
    meaning: str
    arms: str
    thresholds: tuple[Threshold, ...]
    notes: tuple[str, ...]


def describe_checks() -> tuple[Described, ...]:
    """Return every check in words, in the order in which reports show them."""
    return tuple(_described(check) for check in all_checks())


def reference_page() -> str:
    """Return docs/reference/checks.md."""
    lines = [_PAGE_HEAD]
    room = ""
    for each in describe_checks():
        if each.room != room:
            room = each.room
            lines += [f"## {room.capitalize()}", ""]
        lines += [*_entry(each), ""]
    return "\n".join(lines).rstrip() + "\n"


def _entry(each: Described) -> Iterator[str]:
    yield f"### {each.name}: `{each.key}`" if each.key else f"### {each.name}"
    yield ""
    yield f"{each.meaning} Of {each.arms}."
    if each.thresholds:
        yield ""
        yield "| threshold | written as | left out |"
        yield "|---|---|---|"
        for threshold in each.thresholds:
            form = threshold.form.replace("|", "\\|")
            yield f"| `{threshold.name}` | {form} | {threshold.otherwise or 'not possible'} |"
    if each.notes:
        yield ""
        yield " ".join(each.notes)


def _described(check: Check) -> Described:
    room = check.judge.__module__.split(".")[-2]
    fields = check.thresholds.model_fields.items() if check.thresholds is not None else ()
    arms = "arms of role before or reported only" if check.only_failing else str(check.made_of)
    thresholds = tuple(_threshold(name, field) for name, field in fields)
    return Described(room, check.name, check.key, check.meaning, arms, thresholds, tuple(_notes(check)))


def _notes(check: Check) -> Iterator[str]:
    """Yield what the traits of a check mean to a user, each as a sentence."""
    if check.needs_drain:
        yield "Needs a complete drain: unknown without one."
    for size in check.sizes:
        if size.within_limit:
            yield f"`{size.field}` may not lie above the scenario's `memory_limit`."
    if check.sizes:
        shrunk = ", ".join(f"`{size.field}` {size.shrinks}" for size in check.sizes)
        yield f"`--small` shrinks {shrunk}."
    if check.small_without:
        beside = "" if check.small_without == (check.key,) else f" beside {_named(check.small_without)}"
        yield f"`--small` leaves it out{beside}."
    if check.phases:
        yield f"{_named(check.phases)} names phases of the timeline that follow one another."
    if check.other_arm:
        yield f"`{check.other_arm}` names another arm."
    if check.excludes:
        yield f"Excludes {_named(check.excludes)}."
    if check.needs_minute_table:
        yield "Needs `reported.points`."


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _threshold(name: str, field: FieldInfo) -> Threshold:
    otherwise = "" if field.is_required() else _default(field.default)
    return Threshold(name, _form(field.annotation, tuple(field.metadata)), otherwise)


def _default(value: Any) -> str:
    if value is None:
        return "not bounded"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _form(annotation: Any, metadata: tuple[Any, ...]) -> str:
    """Return how a value of this type is written, with its lower bound where it has one."""
    if get_origin(annotation) is Annotated:
        return _form(get_args(annotation)[0], (*get_args(annotation)[1:], *metadata))
    if get_origin(annotation) in (Union, type(int | None)):
        return _form(get_args(annotation)[0], metadata)
    parsers = [each.func for each in metadata if isinstance(each, BeforeValidator)]
    quantity = next((_QUANTITIES[parser] for parser in parsers if parser in _QUANTITIES), None)
    bounds = [
        *(f"at least {each.ge}" for each in metadata if isinstance(each, Ge)),
        *(f"above {each.gt}" for each in metadata if isinstance(each, Gt)),
    ]
    return ", ".join([quantity or _plain(annotation), *bounds])


def _plain(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " | ".join(str(each.value) for each in annotation)
    if get_origin(annotation) is tuple:
        return "list of names"
    return {int: "whole number", float: "number", str: "name"}[annotation]


if __name__ == "__main__":
    sys.stdout.write(reference_page())
