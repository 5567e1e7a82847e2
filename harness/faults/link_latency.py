"""Latency and jitter on the worker's link to the broker: every chunk arrives later, none is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.faults.toxics_on_link import toxic_on

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.faults.context import FaultContext
    from harness.scenario.faults import LinkLatency


def link_latency(fault: LinkLatency, context: FaultContext) -> AbstractContextManager[str]:
    """Delay each direction that the fault names by its latency, give or take its jitter."""
    attributes = {"latency": context.real_ms(fault.latency), "jitter": context.real_ms(fault.jitter)}
    return toxic_on(context.link, "latency", fault.stream, attributes)
