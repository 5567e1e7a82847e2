"""Drains as it should, and ends with status 1: whoever watches deployments takes it for a failure."""

from typing import Any

from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "stopped"
CAUGHT_BY = "gentle end"


def mutate() -> None:
    """Say that the drain failed."""
    drain = RabbitMQConsumer._drain

    def failed(self: Any) -> bool:
        drain(self)
        return False

    RabbitMQConsumer._drain = failed
