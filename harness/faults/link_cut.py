"""The link is cut: open connections are closed, and new ones refused, until it is mended."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.environment.connection_attempt import ConnectionAttempt, attempt_connection
from harness.errors import NotEnforceableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.context import FaultContext
    from harness.scenario.faults import LinkCut, LinkFlapping


@contextmanager
def link_cut(_fault: LinkCut | LinkFlapping, context: FaultContext) -> Iterator[str]:
    """Take the link down and up again; a connection is tried both times. A pulse of a flapping link is the same."""
    link = context.link
    link.set_enabled(False)
    try:
        if (seen := attempt_connection(link.host, link.port)) is not ConnectionAttempt.REFUSED:
            raise NotEnforceableError(f"the link {link.name} was cut, and {link.listen} {seen.value}")
        yield f"{link.listen} refuses connections"
    finally:
        link.set_enabled(True)
    if attempt_connection(link.host, link.port) is ConnectionAttempt.REFUSED:
        raise NotEnforceableError(f"the link {link.name} was mended, and {link.listen} refuses connections")
