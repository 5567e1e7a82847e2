"""What became of each message, by the worker's own word: the store in which the worker records it, or none.

An incident whose worker has a store brings a module ``outcomes`` with ``open_store``. Without one a trial is judged
from outside: by acknowledgements and by the dependency's answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.protocols.worker import Preset
    from harness.record import Outcome


class OutcomeStore(Protocol):
    """Where the worker records what became of a message. Its verbs raise PartFailedError when it does not answer."""

    @property
    def is_readable(self) -> bool:
        """Whether there is a store at all; False: every reading is empty and says nothing."""
        ...

    @property
    def table(self) -> str | None:
        """The table that faults of the database lock or take away; None where there is none."""
        ...

    def expect(self, message_ids: Sequence[str]) -> None:
        """Store that these messages will come, all or none, as whoever published them would have."""
        ...

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what the store holds, by message id."""
        ...


class OpensStore(Protocol):
    """Makes the store for one trial: ``outcomes.open_store`` of an incident."""

    def __call__(self, url: str, spec: Preset, env: Mapping[str, str], log_file: Path, *, cwd: Path) -> OutcomeStore:
        """Return the store in the empty database at ``url``. Raises PartFailedError when it can't be made."""
        ...


class NoOutcomeStore:
    """The store of a worker that has none."""

    is_readable = False
    table = None

    def expect(self, message_ids: Sequence[str]) -> None:
        """Do nothing."""

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return nothing."""
        return ()
