"""Latency and jitter on the worker's link to the broker: every chunk arrives later, none is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.faults.toxics_on_link import toxic_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.ground import Ground
    from harness.scenario.faults import LinkLatency


def link_latency(fault: LinkLatency, ground: Ground) -> AbstractContextManager[str]:
    """Delay each direction that the fault names by its latency, give or take its jitter."""
    attributes = {"latency": ground.real_ms(fault.latency), "jitter": ground.real_ms(fault.jitter)}
    return toxic_on(ground.link, "latency", fault.stream, attributes)
