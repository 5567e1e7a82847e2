"""Goes on taking messages for a while after it was asked to end."""

import threading
from typing import Any

from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "stopped"
CAUGHT_BY = "gentle end"


def mutate() -> None:
    """Notice the signal three seconds late."""
    begin = RabbitMQConsumer.__init__

    def late(self: Any, settings: Any, handler: Any, hooks: Any, remedies: Any, stats: Any, stopping: Any) -> None:
        own = threading.Event()

        def pass_on() -> None:
            stopping.wait()
            threading.Timer(3.0, own.set).start()

        threading.Thread(target=pass_on, daemon=True).start()
        begin(self, settings, handler, hooks, remedies, stats, own)

    RabbitMQConsumer.__init__ = late
