"""Exits at once when it is asked to end, with 0: its calls are cut off and made again."""

import os
from typing import Any

from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "stopped"
CAUGHT_BY = "gentle end"


def mutate() -> None:
    """Drain nothing."""

    def leave(_self: Any) -> bool:
        os._exit(0)

    RabbitMQConsumer._drain = leave
