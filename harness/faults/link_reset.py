"""The link resets: open connections are closed, and each new one is answered with a reset.

The toxic ``reset_peer`` alone ends no connection that is idle, so the link is taken down and up once it is in force.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.environment.connection_attempt import ConnectionAttempt, attempt_connection
from harness.errors import NotEnforceableError
from harness.faults.toxics_on_link import toxic_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.context import FaultContext
    from harness.scenario.faults import LinkReset


@contextmanager
def link_reset(_fault: LinkReset, context: FaultContext) -> Iterator[str]:
    """Reset what is open and what comes; a connection of our own is tried, and must break off."""
    link = context.link
    with toxic_on(link, "reset_peer", "both", {"timeout": 0}):
        link.set_enabled(False)
        link.set_enabled(True)
        if (seen := attempt_connection(link.host, link.port)) is not ConnectionAttempt.BROKEN_OFF:
            raise NotEnforceableError(f"the link {link.name} was to reset, and {link.listen} {seen.value}")
        yield f"a connection to {link.listen} breaks off"
