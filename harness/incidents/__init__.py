"""The incidents that the engine replays: one package each, which holds what only that incident knows.

A scenario names its package (``incident: pika_mem0``) or ``none``. Used by ``harness.scenario`` for the words and names
that a file may use, and by ``harness.trial`` for the worker, its payload and its outcomes. How to add one:
docs/how-to/add-an-incident.md.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "pika_mem0"
NONE = "none"


def incident_names() -> tuple[str, ...]:
    """Return the names of the incident packages, by name."""
    return tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/__init__.py")))


def words_of(incident: str) -> Mapping[str, str]:
    """Return the incident's own words for the engine's fields and faults: its word → the engine's."""
    words: Mapping[str, str] = import_module(f"{__name__}.{incident}").WORDS if incident != NONE else {}
    return words
