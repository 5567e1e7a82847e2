"""The folder of a matrix: which run of which scenario is in it, and whether that run still speaks of this tree.

A run counts for as long as neither its scenario, nor its options, nor the source of harness, worker and
fake has changed; after that it is played again. It judges nothing and removes no run.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from harness.errors import RunDirectoryError
from harness.machine import checkout
from harness.store import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from harness.scenario import Scenario

_STATE = "matrix-state.json"
_SOURCES = ("harness", "worker_under_test", "fake_mem0")


@dataclass(frozen=True, slots=True)
class MatrixFolder:
    """``path`` holds for each scenario a folder of its runs, and beside them the state, matrix.html and matrix.md."""

    path: Path

    def finished_run(self, scenario: Scenario, fingerprint: str) -> Path | None:
        """Return the run directory that is to be read for ``scenario``, or None when it has to be played."""
        entry = self._state().get(scenario.name)
        if entry is None or entry["fingerprint"] != fingerprint:
            return None
        run = self.path / entry["run"]
        return run if (run / "verdict.json").exists() else None

    def remember(self, scenario: Scenario, fingerprint: str, run: Path) -> None:
        """Note that ``run`` is ``scenario``'s."""
        state = {**self._state(), scenario.name: {"fingerprint": fingerprint, "run": self.name_of(run)}}
        write_atomically(self.path / _STATE, json.dumps(state, indent=2) + "\n")

    def name_of(self, run: Path) -> str:
        """Return ``run`` as it is named in the state and in links: relative to the folder."""
        return run.relative_to(self.path.resolve()).as_posix()

    def _state(self) -> dict[str, dict[str, str]]:
        path = self.path / _STATE
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            return {name: {"fingerprint": entry["fingerprint"], "run": entry["run"]} for name, entry in state.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunDirectoryError(f"{path} is no matrix state ({error!r}); remove it, or use --fresh") from error


def fingerprint_of(scenario: Scenario, options: tuple[str, ...]) -> str:
    """Return a hash of all that decides what a run shows: scenario, options and the source of every part."""
    digest = hashlib.sha256(scenario.model_dump_json(by_alias=True).encode())
    digest.update("\0".join(options).encode())
    digest.update(_source_digest())
    return digest.hexdigest()


@cache
def _source_digest() -> bytes:
    """Hash the source once: a matrix asks for a fingerprint twice a scenario."""
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for source in sorted((checkout() / folder).rglob("*.py")):
            digest.update(str(source.relative_to(checkout())).encode())
            digest.update(source.read_bytes())
    return digest.digest()
