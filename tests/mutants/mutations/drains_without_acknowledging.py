"""Finishes its work in hand, and exits before the acknowledgements are sent: all of it is delivered again."""

from typing import Any

from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "stopped"
CAUGHT_BY = "gentle end"


def mutate() -> None:
    """Drop the settlements of the drain."""
    settle = RabbitMQConsumer._settle

    def mute(self: Any, delivery: Any, settlement: Any) -> None:
        if not self._stopping.is_set():
            settle(self, delivery, settlement)

    RabbitMQConsumer._settle = mute
