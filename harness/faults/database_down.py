"""The database is down: every statement on the events fails at once, until it is healed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.environment.database.outage import down

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.context import FaultContext
    from harness.scenario.faults import DatabaseDown


def database_down(_fault: DatabaseDown, context: FaultContext) -> AbstractContextManager[str]:
    """Take the database away; a reader of our own must be refused."""
    return down(context.database_url)
