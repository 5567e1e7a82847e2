"""From pydantic's errors to sentences a person can act on: the field, what was wrong, the value, and the near name.

Used by ``harness.scenario.files``. It validates nothing itself; it walks the annotations of the models to find in
which of them an unknown field stands, so a new model needs nothing here.
"""

from __future__ import annotations

import difflib
import reprlib
import types
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import Tag

from harness.fields.strict import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

COMPLAINTS_MAX = 20  # a file with more is another file; the first ones say so
SENTENCE_CHARACTERS_MAX = 200  # one line of a terminal or two

_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = _shown.maxlong = 80


def complaints(error: ValidationError, root: type[Strict]) -> Iterator[str]:
    """Yield a sentence for each fault that ``error`` found in a file of the model ``root``."""
    faults = error.errors(include_url=False, include_context=False)
    for fault in faults[:COMPLAINTS_MAX]:
        yield _complaint(fault, root)
    if len(faults) > COMPLAINTS_MAX:
        yield f"and {len(faults) - COMPLAINTS_MAX} faults more"


def one_line(text: object) -> str:
    """Return ``text`` on one line that any terminal can show, cut where it gets too long for a person."""
    line = " ".join(str(text).encode(errors="backslashreplace").decode().split())
    return line if len(line) <= SENTENCE_CHARACTERS_MAX else line[: SENTENCE_CHARACTERS_MAX - 3] + "..."


def _complaint(fault: ErrorDetails, root: type[Strict]) -> str:
    path, model = _located(fault["loc"], root)
    where = one_line(".".join(path)) or "the scenario"
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown field{_suggestion(path[-1], model)}"
    if fault["type"] == "missing":
        return f"{where}: this field is required"
    message = one_line(fault["msg"].removeprefix("Value error, ").replace("Input should", "must"))
    if fault["type"] == "value_error":
        return f"{where}: {message}"
    return f"{where}: {message} (is {one_line(_shown.repr(fault['input']))})"


def _suggestion(name: str, model: type[Strict] | None) -> str:
    if model is None:
        return "; remove it"
    known = [field.alias or field_name for field_name, field in model.model_fields.items()]
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known here: {', '.join(known)}" if known else "; there is nothing to set here"


def _located(loc: tuple[int | str, ...], root: type[Strict]) -> tuple[list[str], type[Strict] | None]:
    """Return the path of a fault as the file has it, and the model in which its last part stands.

    pydantic's own path has parts that stand in no file: the tag of the branch it took at a union, and ``[key]``.
    """
    path: list[str] = []
    model: type[Strict] | None = None
    annotation: Any = root
    for part in loc:
        if part == "[key]":
            continue
        branches = _branches(annotation)
        if part in branches:
            annotation = branches[str(part)]
            continue
        path.append(str(part))
        model = _model_of(annotation)
        annotation = _inside(annotation, part)
    return path, model


def _branches(annotation: Any) -> dict[str, Any]:
    """Return the branches of a tagged union by their tags; empty where there are none."""
    tags: dict[str, Any] = {}
    if get_origin(annotation) is Annotated:  # the item of a sequence keeps what says how its branches are told apart
        annotation = get_args(annotation)[0]
    for branch in get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ():
        for extra in getattr(branch, "__metadata__", ()):
            if isinstance(extra, Tag):
                tags[extra.tag] = branch
    return tags


def _model_of(annotation: Any) -> type[Strict] | None:
    """Return the model that ``annotation`` stands for, also where it may be None."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return next((found for inner in get_args(annotation) if (found := _model_of(inner)) is not None), None)
    return None


def _inside(annotation: Any, part: int | str) -> Any:
    """Return the annotation one step further: of a model's field, a mapping's value or a sequence's item."""
    if (model := _model_of(annotation)) is not None:
        fields = model.model_fields.items()
        return next((field.annotation for name, field in fields if part in (name, field.alias)), None)
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return arguments[1]
    return arguments[0] if get_origin(annotation) is tuple else None
