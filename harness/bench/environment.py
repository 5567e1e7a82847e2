"""What a benchmark stands on: a run scope, a folder for what it leaves, how much it may do, where progress is reported.

``suite`` makes one for each benchmark. It starts nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from harness.environment.run.run_scope import RunScope
    from harness.narration import Narrator

REPEATS = 3  # the least from which a median differs from a mean; the whole bench stays below five minutes
SEED = 1142
BODY_BYTES_MIN, BODY_BYTES_MAX = 2_900_000, 3_200_000  # the incident's messages
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class BenchEnvironment:
    """One benchmark's environment. All processes get the environment of ``scope``, so that a sweep knows them."""

    scope: RunScope
    folder: Path  # what is kept: logs, journals, the recorded incident
    narrator: Narrator
    quick: bool = False

    @property
    def logs(self) -> Path:
        """Where the parts' logs go."""
        return self.folder / "logs"

    def amount(self, *, full: int, quick: int) -> int:
        """Return how many: ``full``, or ``quick`` where somebody only tries the bench out."""
        return quick if self.quick else full

    def tell(self, text: str) -> None:
        """Say how things stand."""
        self.narrator.status(text)
