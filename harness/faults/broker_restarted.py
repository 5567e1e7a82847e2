"""The broker shuts down in good order, closing every connection with a reason; then it is started again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.environment.connection_attempt import ConnectionAttempt, attempt_connection
from harness.errors import NotEnforceableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.faults.context import FaultContext
    from harness.scenario.faults import BrokerRestarted


@contextmanager
def broker_restarted(_fault: BrokerRestarted, context: FaultContext) -> Iterator[str]:
    """Shut the node down. That takes about six seconds of real time, and so does starting it again."""
    broker = context.broker
    broker.shut_down()
    if (seen := attempt_connection(broker.host, broker.amqp_port)) is not ConnectionAttempt.REFUSED:
        raise NotEnforceableError(f"the broker was shut down, and its port {seen.value}")
    yield f"the node has shut down: port {broker.amqp_port} {seen.value}"
    broker.start_again()
