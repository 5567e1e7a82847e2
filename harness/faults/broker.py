"""Faults of the broker: killed, restarted in good order, its memory alarm raised.

Killing and shutting down are seen at its port, which must refuse; an alarm is seen in what the broker reports. Starting
it again takes as long as the broker needs, about six seconds of real time with RabbitMQ.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from harness.connection_attempt import ConnectionAttempt, attempt_connection
from harness.errors import NotEnforceableError
from harness.faults.context import CanKill, CanRaiseAlarm, CanShutDown, FaultContext, Part
from harness.faults.fault import LastingFault
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

_BELOW_ANY_NODE_BYTES = 1_000_000
_ALARM_TIMEOUT_S = 30.0  # the node looks at its memory every 2.5 s, and its statistics are a second old


class _Port(Protocol):
    @property
    def host(self) -> str: ...

    @property
    def amqp_port(self) -> int: ...


class _Killable(_Port, CanKill, Protocol): ...


class _Stoppable(_Port, CanShutDown, Protocol): ...


class BrokerKilled(LastingFault):
    """SIGKILL to the broker's node, as a crash would; healing starts it again with its data."""

    part: ClassVar[Part] = "broker"
    needs: ClassVar[type] = CanKill
    fault: Literal["broker_killed"]

    @contextmanager
    def in_force(self, context: FaultContext) -> Iterator[str]:
        """Kill the node, and start it again."""
        broker: _Killable = context.broker
        broker.kill()
        yield f"the node is killed: {_refusal(broker)}"
        broker.start_again()


class BrokerRestarted(LastingFault):
    """The broker shuts down in good order, and is started again."""

    part: ClassVar[Part] = "broker"
    needs: ClassVar[type] = CanShutDown
    fault: Literal["broker_restarted"]

    @contextmanager
    def in_force(self, context: FaultContext) -> Iterator[str]:
        """Shut the node down, which takes about six seconds of real time, and start it again."""
        broker: _Stoppable = context.broker
        broker.shut_down()
        yield f"the node has shut down: {_refusal(broker)}"
        broker.start_again()


class BrokerMemoryAlarm(LastingFault):
    """The broker raises its memory alarm: publishers are blocked, consumers are not."""

    part: ClassVar[Part] = "broker"
    needs: ClassVar[type] = CanRaiseAlarm
    fault: Literal["broker_memory_alarm"]

    @contextmanager
    def in_force(self, context: FaultContext) -> Iterator[str]:
        """Set the watermark below what the node uses, and back."""
        broker: CanRaiseAlarm = context.broker
        broker.set_memory_watermark(_BELOW_ANY_NODE_BYTES)
        try:
            wait_for("the broker's memory alarm", broker.has_memory_alarm, timeout_s=_ALARM_TIMEOUT_S)
            yield "the broker reports its memory alarm"
        finally:
            broker.set_memory_watermark(None)
        wait_for(
            "the broker's memory alarm to clear", lambda: not broker.has_memory_alarm(), timeout_s=_ALARM_TIMEOUT_S
        )


def _refusal(broker: _Port) -> str:
    """Return how the broker's port refuses a connection. Raises NotEnforceableError where it does not."""
    if (seen := attempt_connection(broker.host, broker.amqp_port)) is not ConnectionAttempt.REFUSED:
        raise NotEnforceableError(f"the broker was ended, and its port {broker.amqp_port} {seen.value}")
    return f"port {broker.amqp_port} {seen.value}"
