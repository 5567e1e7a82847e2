"""The broker's memory alarm: the watermark is set below what the node uses, so that it blocks whoever publishes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.environment.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.context import FaultContext
    from harness.scenario.faults import BrokerMemoryAlarm

_BELOW_ANY_NODE_BYTES = 1_000_000
_ALARM_TIMEOUT_S = 30.0  # the node looks at its memory every 2.5 s, and its statistics are a second old


@contextmanager
def broker_memory_alarm(_fault: BrokerMemoryAlarm, context: FaultContext) -> Iterator[str]:
    """Raise the alarm, and have it cleared; the broker's own figures are asked both times."""
    broker = context.broker
    broker.set_memory_watermark(_BELOW_ANY_NODE_BYTES)
    try:
        wait_for("the broker's memory alarm", lambda: broker.api.node().memory_alarm, timeout_s=_ALARM_TIMEOUT_S)
        yield "the broker reports its memory alarm"
    finally:
        broker.set_memory_watermark(None)
    wait_for(
        "the broker's memory alarm to clear", lambda: not broker.api.node().memory_alarm, timeout_s=_ALARM_TIMEOUT_S
    )
