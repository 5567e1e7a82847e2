"""Finds every check: each ``Check`` that a module of this package's rooms defines. There is no list to keep.

Used by the judge, the scenario's model and overrides, ``harness list --checks`` and the documentation. Checks stand in
the order in which reports show them: preconditions first, then room by room and file by file, by name.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from harness.checkers.check import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType


@cache
def all_checks() -> tuple[Check, ...]:
    """Return every check, in the order in which reports show them."""
    found = tuple(dict.fromkeys(check for module in _modules() for check in vars(module).values() if _is_one(check)))
    for names in ([check.name for check in found], [check.key for check in found if check.key]):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two checks are named {twice[0]!r}; name each once")
    return tuple(sorted(found, key=lambda check: not check.is_precondition))


@cache
def expectable() -> Mapping[str, Check]:
    """Return the checks that an arm may expect, by their field in ``expect``."""
    return {check.key: check for check in all_checks() if not check.is_precondition}


def preconditions() -> tuple[Check, ...]:
    """Return the checks that are made whatever a scenario expects: they make the others worth anything."""
    return tuple(check for check in all_checks() if check.is_precondition)


def _is_one(value: object) -> bool:
    return isinstance(value, Check)


def _modules() -> Iterator[ModuleType]:
    """Yield every module of the rooms, in order of their names."""
    package = importlib.import_module(__package__ or "harness.checkers")
    for room in sorted(pkgutil.iter_modules(package.__path__, f"{package.__name__}."), key=lambda each: each.name):
        if room.ispkg:
            folder = importlib.import_module(room.name)
            for each in sorted(pkgutil.iter_modules(folder.__path__, f"{room.name}."), key=lambda each: each.name):
                yield importlib.import_module(each.name)
