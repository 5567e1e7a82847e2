"""Connects again after a loss, and forgets to consume."""

from typing import Any

from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "link"
CAUGHT_BY = "queues drained"


def mutate() -> None:
    """Cancel the second channel's consumer, and serve the connection all the same."""
    connect, serve = RabbitMQConsumer._connect, RabbitMQConsumer._serve_io

    def connected(self: Any) -> None:
        connect(self)
        if self._channel_epoch > 1:
            for tag in list(self.channel.consumer_tags):
                self.channel.basic_cancel(tag)

    def serving(self: Any) -> None:
        if self._channel_epoch > 1:
            self.connection.process_data_events(time_limit=0.2)
        else:
            serve(self)

    RabbitMQConsumer._connect = connected
    RabbitMQConsumer._serve_io = serving
