"""SIGKILL to the broker's node, as a crash would; then it is started again, with its ports and its data."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.environment.connection_attempt import ConnectionAttempt, attempt_connection
from harness.errors import NotEnforceableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.context import FaultContext
    from harness.scenario.faults import BrokerKilled


@contextmanager
def broker_killed(_fault: BrokerKilled, context: FaultContext) -> Iterator[str]:
    """Kill the node. Healing it takes as long as RabbitMQ needs to start, about six seconds of real time."""
    broker = context.broker
    broker.kill()
    if (seen := attempt_connection(broker.host, broker.amqp_port)) is not ConnectionAttempt.REFUSED:
        raise NotEnforceableError(f"the broker was killed, and its port {seen.value}")
    yield f"the node is killed: port {broker.amqp_port} {seen.value}"
    broker.start_again()
