"""The stream arrives in slices: a frame is never whole when it is first read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.faults.toxics_on_link import toxic_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.context import FaultContext
    from harness.scenario.faults import LinkSliced

_MICROSECONDS = 1000  # in a millisecond


def link_sliced(fault: LinkSliced, context: FaultContext) -> AbstractContextManager[str]:
    """Cut what is sent into slices of about the fault's size, give or take a half, each after the fault's delay."""
    attributes = {
        "average_size": fault.size,
        "size_variation": fault.size // 2,
        "delay": round(fault.delay / context.time_scale * 1000 * _MICROSECONDS),
    }
    return toxic_on(context.link, "slicer", fault.stream, attributes)
