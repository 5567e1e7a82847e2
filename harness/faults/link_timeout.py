"""The link throws everything away. Unlike a stall it loses what was sent, and healing it closes the connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.faults.toxics_on_link import toxic_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.context import FaultContext
    from harness.scenario.faults import LinkTimeout


def link_timeout(fault: LinkTimeout, context: FaultContext) -> AbstractContextManager[str]:
    """Drop what is sent, and close a connection that had no traffic for the fault's timeout; 0 closes none."""
    return toxic_on(context.link, "timeout", fault.stream, {"timeout": context.real_ms(fault.timeout)})
