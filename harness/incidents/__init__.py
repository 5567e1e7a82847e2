"""The incidents that the engine replays: one package each, which holds what only that incident knows.

A scenario names its package (``incident: pika_mem0``), or ``none`` for a worker, a message and a dependency that belong
to no incident. A package has ``INCIDENT``, its plain data, and a module for each protocol that it keeps: ``payload``,
``worker``, and, where it has them, ``outcomes``, ``ingress``, ``measures``, ``heap_groups``. They are imported by name,
here and nowhere else, so that the engine knows no incident. How to add one: docs/how-to/add-an-incident.md.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.protocols.incident import Incident
    from harness.protocols.ingress import Ingress
    from harness.protocols.outcome_store import OpensStore
    from harness.protocols.payload import Payload
    from harness.protocols.worker import Worker

DEFAULT = "pika_mem0"  # of a scenario that names none
NONE = "none"


def incident_names() -> tuple[str, ...]:
    """Return the names of the incident packages, ``none`` among them, in order."""
    return tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/__init__.py")))


def incident(name: str = DEFAULT) -> Incident:
    """Return the data of an incident. Raises KeyError for one that there is not."""
    if name not in incident_names():
        raise KeyError(name)
    found: Incident = import_module(f"{__name__}.{name}").INCIDENT
    return found


def words_of(name: str) -> Mapping[str, str]:
    """Return the incident's own words for the engine's fields and faults: its word → the engine's."""
    return incident(name).words


def payload_of(name: str) -> Payload:
    """Return what makes the bodies of the incident's messages."""
    found: Payload = _module(name, "payload").PAYLOAD
    return found


def worker_of(name: str) -> Worker:
    """Return what turns an arm's worker into a program."""
    found: Worker = _module(name, "worker").WORKER
    return found


def outcomes_of(name: str) -> OpensStore:
    """Return what opens the incident's outcome store; of an incident with ``has_outcomes``."""
    found: OpensStore = _module(name, "outcomes").open_store
    return found


def ingress_of(name: str) -> Ingress:
    """Return the incident's ingress; of an incident with ``has_ingress``."""
    found: Ingress = _module(name, "ingress").INGRESS
    return found


def measures_of(name: str) -> Mapping[str, Any]:
    """Return what answers the rows of the incident report's table: name → function of a trial and its scenario."""
    measures: Mapping[str, Any] = _module(name, "measures").MEASURES if incident(name).measures else {}
    return measures


def heap_rules_of(name: str) -> tuple[Any, ...]:
    """Return the rules by which a heap's allocations are grouped; none for an incident that brings no worker."""
    return tuple(_module(name, "heap_groups").RULES) if incident(name).package else ()


def benchmarks_of(name: str) -> Mapping[str, Any]:
    """Return the benchmarks that judge the incident's worker and not the harness, by name."""
    benchmarks: Mapping[str, Any] = {each: _module(name, each).measure for each in incident(name).benchmarks}
    return benchmarks


def _module(name: str, part: str) -> Any:
    return import_module(f"{__name__}.{name}.{part}")
