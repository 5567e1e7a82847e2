"""What the engine has to know of an incident before anything starts: names, counts and endpoints, as plain data.

Each package of ``harness.incidents`` has one value of it, ``INCIDENT``. The code that an incident brings (its payload,
its worker, its outcome store) is in modules of its own, which keep the other protocols of this folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.message_ids import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident, or none: everything that a scenario file may name, and where a message's id is found."""

    name: str
    queue: str  # the work queue that the worker is given
    variables: frozenset[str]  # of the worker's environment, set by the harness: no arm may change them
    id_key: str = "id"  # the JSON key of a message's body, and of a call's, that holds the message id
    id_prefix: str = PREFIX
    words: Mapping[str, str] = field(default_factory=dict)  # the incident's own words in a scenario file → the engine's
    endpoints: tuple[Mapping[str, Any], ...] = ()  # of the dependency, as its process takes them; empty: any path
    presets: tuple[str, ...] = ()  # workers that come with the incident; without any, a worker is a command
    mechanisms: tuple[str, ...] = ()
    mechanism_preset: str | None = None  # the one preset that has mechanisms
    package: str | None = None  # the Python package of the presets, of which a commit can be unpacked
    poisons: tuple[str, ...] = ()  # kinds of messages beyond all processing
    measures: tuple[str, ...] = ()  # names of what can answer a row of the incident report's table
    benchmarks: tuple[str, ...] = ()  # modules of the package with a ``measure`` for ``harness bench``
    has_ingress: bool = False  # messages may also go through an API of the incident
    has_outcomes: bool = False  # the worker records what became of a message where the harness can read it
    scenario: str | None = None  # the one that ``harness reproduce`` plays
