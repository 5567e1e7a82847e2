"""A narrow link: no more than so many bytes of real time's second pass between the worker and the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.faults.toxics_on_link import toxic_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.context import FaultContext
    from harness.scenario.faults import LinkBandwidth

_KB = 1000  # what Toxiproxy counts in


def link_bandwidth(fault: LinkBandwidth, context: FaultContext) -> AbstractContextManager[str]:
    """Limit each direction that the fault names. Bytes are not scaled, so the rate is one of real time."""
    return toxic_on(context.link, "bandwidth", fault.stream, {"rate": fault.per_second // _KB})
