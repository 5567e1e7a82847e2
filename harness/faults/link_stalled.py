"""The link hangs in silence: nothing passes, nothing is lost, and no side is told.

A bandwidth of 0 does that: the proxy takes and holds what is sent, and passes it on when it is healed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.faults.toxics_on_link import toxic_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.context import FaultContext
    from harness.scenario.faults import LinkStalled


def link_stalled(fault: LinkStalled, context: FaultContext) -> AbstractContextManager[str]:
    """Stall each direction that the fault names."""
    return toxic_on(context.link, "bandwidth", fault.stream, {"rate": 0})
