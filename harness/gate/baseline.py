"""Stored baselines: the figures of a build's repeats, with the machine and the scenario that they hold for.

Used by ``harness.commands.gate``. A file written by ``--save-baseline`` and the ``baseline.json`` of a gate's run have
the same form. A baseline of another machine or another scenario is refused: its difference would be the machine's.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.environment.memory_limit.chooser import PROC_SELF
from harness.environment.memory_limit.hierarchies import find_hierarchies
from harness.errors import UsageError
from harness.machine import machine_facts
from harness.record.gate import BASELINE, Repeat
from harness.store.tolerant import MALFORMED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.scenario import Scenario

FILE = "baseline.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Baseline:
    """A build's repeats, and what they hold for."""

    label: str
    machine: Mapping[str, str]
    scenario: str  # its name
    scenario_digest: str
    repeats: tuple[Repeat, ...]


def facts() -> dict[str, str]:
    """Return what a figure of memory depends on, of this machine."""
    places = find_hierarchies(PROC_SELF).places
    libc = " ".join(part for part in platform.libc_ver() if part) or "unknown"
    machine = machine_facts()
    return {
        "cores": machine["cores"],
        "kernel": machine["kernel"],
        "architecture": machine["architecture"],
        "cgroup": places[0].files.kind if places else "none",
        "CPython": platform.python_version(),
        "libc": libc,
    }


def digest(scenario: Scenario) -> str:
    """Return what tells one workload from another: the scenario without its arms' commands and expectations."""
    document = scenario.model_dump(mode="json", by_alias=True)
    del document["arms"], document["claim"]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def rendered(baseline: Baseline) -> str:
    """Return the baseline as a file."""
    document = {
        "schema_version": _VERSION,
        "label": baseline.label,
        "machine": dict(baseline.machine),
        "scenario": baseline.scenario,
        "scenario_digest": baseline.scenario_digest,
        "repeats": [dict(repeat.figures) for repeat in baseline.repeats],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def load_baseline(path: Path) -> Baseline:
    """Return the baseline in ``path``, a file or the run directory of a gate. Raises UsageError."""
    file = path / FILE if path.is_dir() else path
    try:
        document = json.loads(file.read_bytes())
        if document["schema_version"] != _VERSION:
            raise UsageError(f"--baseline {file}: its schema_version is {document['schema_version']!r}, not {_VERSION}")
        return Baseline(
            str(document["label"]),
            {str(name): str(value) for name, value in document["machine"].items()},
            str(document["scenario"]),
            str(document["scenario_digest"]),
            tuple(
                Repeat(BASELINE, {str(name): float(value) for name, value in figures.items()})
                for figures in document["repeats"]
            ),
        )
    except OSError as error:
        raise UsageError(
            f"--baseline {file}: {error.strerror}; harness gate --save-baseline FILE writes one"
        ) from error
    except MALFORMED as error:
        raise UsageError(f"--baseline {file}: not a baseline ({type(error).__name__}: {error})") from error


def refuse_another(baseline: Baseline, here: Mapping[str, str], scenario: Scenario, least: int) -> None:
    """Raise UsageError, with what differs, where ``baseline`` says nothing about a run here."""
    names = [*here, *(name for name in baseline.machine if name not in here)]
    differing = [
        f"{name} {baseline.machine.get(name, 'not said')}, here {here.get(name, 'not said')}"
        for name in names
        if baseline.machine.get(name) != here.get(name)
    ]
    remedy = "measure one here with --save-baseline, or compare two builds with --against"
    if differing:
        raise UsageError(f"the baseline was measured on another machine: {'; '.join(differing)}; {remedy}")
    if baseline.scenario_digest != digest(scenario):
        raise UsageError(f"the baseline is of another {baseline.scenario} than this {scenario.name}; {remedy}")
    if len(baseline.repeats) < least:
        raise UsageError(f"the baseline holds {len(baseline.repeats)} repeats; {least} are needed; {remedy}")


def of_repeats(label: str, scenario: Scenario, repeats: Sequence[Repeat], machine: Mapping[str, str]) -> Baseline:
    """Return the baseline that these repeats of one build make."""
    return Baseline(label, machine, scenario.name, digest(scenario), tuple(repeats))
