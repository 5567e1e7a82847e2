"""The link resets: open connections are closed, and each new one is answered with a reset.

The toxic ``reset_peer`` alone ends no connection that is idle, so the link is taken down and up once it is in force.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.errors import NotEnforceableError
from harness.faults.toxics_on_link import toxic_on
from harness.rig.knocking import Knock, knock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.ground import Ground
    from harness.scenario.faults import LinkReset


@contextmanager
def link_reset(_fault: LinkReset, ground: Ground) -> Iterator[str]:
    """Reset what is open and what comes; a connection of our own is tried, and must break off."""
    link = ground.link
    with toxic_on(link, "reset_peer", "both", {"timeout": 0}):
        link.set_enabled(False)
        link.set_enabled(True)
        if (seen := knock(link.host, link.port)) is not Knock.BROKEN_OFF:
            raise NotEnforceableError(f"the link {link.name} was to reset, and {link.listen} {seen.value}")
        yield f"a connection to {link.listen} breaks off"
