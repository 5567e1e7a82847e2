"""The stream arrives in slices: a frame is never whole when it is first read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.faults.toxics_on_link import toxic_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.ground import Ground
    from harness.scenario.faults import LinkSliced

_MICROSECONDS = 1000  # in a millisecond


def link_sliced(fault: LinkSliced, ground: Ground) -> AbstractContextManager[str]:
    """Cut what is sent into slices of about the fault's size, give or take a half, each after the fault's delay."""
    attributes = {
        "average_size": fault.size,
        "size_variation": fault.size // 2,
        "delay": round(fault.delay / ground.time_scale * 1000 * _MICROSECONDS),
    }
    return toxic_on(ground.link, "slicer", fault.stream, attributes)
