"""Faults of the worker's database: down, locked, slow.

How each is done and seen differs between SQLite and PostgreSQL, and is ``harness.environment.database.outage``'s; both
times a statement of our own is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from harness.faults.context import CanBeLocked, CanGoDown, FaultContext, Part
from harness.faults.fault import LastingFault, Positive, PulsedFault

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class DatabaseDown(LastingFault):
    """Every statement on the events fails at once. PostgreSQL cuts all connections off and lets none in."""

    part: ClassVar[Part] = "database"
    needs: ClassVar[type] = CanGoDown
    fault: Literal["database_down"]

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Take the database away; a reader of our own must be refused."""
        database: CanGoDown = context.database
        return database.down()


class DatabaseLocked(LastingFault):
    """Somebody holds a lock on the events: nobody else can write, and waits until his own limit."""

    part: ClassVar[Part] = "database"
    needs: ClassVar[type] = CanBeLocked
    fault: Literal["database_locked"]

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Hold the lock; a writer of our own must be refused."""
        database: CanBeLocked = context.database
        return database.locked()


class DatabaseSlow(PulsedFault):
    """The lock is held in pulses drawn around ``held`` and ``free``, so that writes take long."""

    part: ClassVar[Part] = "database"
    needs: ClassVar[type] = CanBeLocked
    fault: Literal["database_slow"]
    held: Positive
    free: Positive

    @property
    def pulse_s(self) -> tuple[float, float]:
        """The fields ``held`` and ``free``."""
        return self.held, self.free

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Hold the lock for one pulse."""
        database: CanBeLocked = context.database
        return database.locked()
