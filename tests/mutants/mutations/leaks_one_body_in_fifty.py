"""Keeps every fiftieth body for ever."""

from itertools import count
from typing import Any

from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "stream"
CAUGHT_BY = "memory growth"

KEPT: list[bytes] = []


def mutate() -> None:
    """Keep it when it arrives."""
    take, numbers = RabbitMQConsumer.callback, count()

    def leaking(self: Any, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        if next(numbers) % 50 == 0:
            KEPT.append(body)
        take(self, channel, method, properties, body)

    RabbitMQConsumer.callback = leaking
