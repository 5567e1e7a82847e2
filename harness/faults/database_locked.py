"""Somebody holds a lock on the events: whoever writes waits, until the lock goes or his own limit comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.environment.database.outage import locked

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.context import FaultContext
    from harness.scenario.faults import DatabaseLocked, DatabaseSlow


def database_locked(_fault: DatabaseLocked | DatabaseSlow, context: FaultContext) -> AbstractContextManager[str]:
    """Hold the lock; a writer of our own must be refused. A pulse of a slow database is the same, only shorter."""
    return locked(context.database_url)
