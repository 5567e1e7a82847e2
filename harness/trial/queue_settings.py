"""From what a scenario says of the broker to what the work queue is declared with.

Used by the trial. A broker of our own was started with the acknowledgement timeout already, which holds for every
version; one that was given by URL takes it from a policy, and only from RabbitMQ 3.12 on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.environment.broker.broker import OwnBroker
from harness.environment.broker.work_queue import QueueSettings
from harness.errors import NotEnforceableError

if TYPE_CHECKING:
    from harness.environment.broker.broker import Broker
    from harness.scenario import Scenario

_POLICY_SINCE = (3, 12)  # the first RabbitMQ that heeds consumer-timeout in a policy


def queue_settings(scenario: Scenario, broker: Broker) -> QueueSettings:
    """Return the settings of the scenario's work queue on ``broker``.

    Raises NotEnforceableError where the broker can't be given the acknowledgement timeout.
    """
    settings = scenario.broker
    policy = settings.policy(scenario.time_scale)
    timeout_ms = settings.acknowledgement_timeout_ms(scenario.time_scale)
    if timeout_ms is not None and not isinstance(broker, OwnBroker):
        version = broker.versions.rabbitmq
        if tuple(int(part) for part in version.split(".")[:2]) < _POLICY_SINCE:
            raise NotEnforceableError(
                f"broker.acknowledgement_timeout: RabbitMQ {version} at {broker.upstream} takes it from its own"
                " configuration alone; leave --broker-url out, or remove the field"
            )
        policy["consumer-timeout"] = timeout_ms
    return QueueSettings(settings.queue, policy)
