"""Ends with 0, as if all were done, at its thirtieth message."""

import os
from itertools import count
from typing import Any

from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "workload"
CAUGHT_BY = "one incarnation"

FATAL = 30


def mutate() -> None:
    """End without a word."""
    take, numbers = RabbitMQConsumer.callback, count(1)

    def crashing(self: Any, *delivered: Any) -> None:
        if next(numbers) == FATAL:
            os._exit(0)
        take(self, *delivered)

    RabbitMQConsumer.callback = crashing
