"""Reads files that a killed process may have left torn: what is whole is kept, what is not is said in a sentence.

Used by ``harness.store.reading``. A line counts only when its line end was written: a number that was cut in two still
looks like a number. A missing file is empty, not damaged. It knows nothing of what the lines mean.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

# What converting a line of the wrong shape or the wrong types raises.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)

_T = TypeVar("_T")


def read_json(path: Path, convert: Callable[[Any], _T], damaged: list[str]) -> _T | None:
    """Return what ``convert`` makes of the file; None, with the reason in ``damaged``, where that fails."""
    try:
        return convert(json.loads(path.read_bytes()))
    except FileNotFoundError:
        damaged.append(f"{path.name} was never written")
    except OSError as error:
        damaged.append(f"{path.name} can't be read: {error.strerror}")
    except MALFORMED as error:
        damaged.append(f"{path.name} can't be read: {type(error).__name__}: {error}")
    return None


def read_json_lines(path: Path, convert: Callable[[dict[str, Any]], _T], damaged: list[str]) -> tuple[_T, ...]:
    """Return one value for each line that holds a JSON object ``convert`` accepts."""

    def of_line(line: bytes) -> _T:
        fields = json.loads(line)
        if not isinstance(fields, dict):
            raise TypeError("the line is no object")
        return convert(fields)

    return _converted(path, _whole_lines(path, damaged), of_line, damaged)


def read_rows(path: Path, convert: Callable[[dict[str, str]], _T], damaged: list[str]) -> tuple[_T, ...]:
    """Return one value for each row of a CSV without quotes, whose first line names the columns."""
    lines = _whole_lines(path, damaged)
    columns = lines[0].decode(errors="replace").split(",") if lines else []

    def of_line(line: bytes) -> _T:
        return convert(dict(zip(columns, line.decode().split(","), strict=True)))

    return _converted(path, lines[1:], of_line, damaged)


def _whole_lines(path: Path, damaged: list[str]) -> list[bytes]:
    try:
        *whole, torn = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        damaged.append(f"{path.name} can't be read: {error.strerror}")
        return []
    if torn:
        damaged.append(f"{path.name}: its last line is torn and was left out")
    return whole


def _converted(
    path: Path, lines: Iterable[bytes], convert: Callable[[bytes], _T], damaged: list[str]
) -> tuple[_T, ...]:
    values: list[_T] = []
    unreadable = 0
    for line in lines:
        try:
            values.append(convert(line))
        except MALFORMED:
            unreadable += 1
    if unreadable:
        damaged.append(f"{path.name}: {unreadable} unreadable line(s) left out")
    return tuple(values)
