"""Acknowledges a message before it is processed: what is in hand at a kill is gone."""

from typing import Any

from worker_under_test.outcomes import Settlement
from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "killed"
CAUGHT_BY = "messages accounted for"


def mutate() -> None:
    """Settle first, process then, and settle no more."""
    process, settle = RabbitMQConsumer._process_message, RabbitMQConsumer._settle_threadsafe

    def early(self: Any, delivery: Any) -> None:
        settle(self, delivery, Settlement.ACK)
        process(self, delivery)

    RabbitMQConsumer._process_message = early
    RabbitMQConsumer._settle_threadsafe = lambda *_: None
