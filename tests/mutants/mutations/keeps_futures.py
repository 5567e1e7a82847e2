"""Keeps every future of the executor, and with each its result: the delivery."""

from typing import Any

from worker_under_test.rabbitmq_consumer import RabbitMQConsumer

SCENARIO = "stream"
CAUGHT_BY = "memory growth"

FUTURES: list[Any] = []


def mutate() -> None:
    """Have processing return its delivery, and the executor's futures kept."""
    process, begin = RabbitMQConsumer._process_message, RabbitMQConsumer.__init__

    def returning(self: Any, delivery: Any) -> Any:
        process(self, delivery)
        return delivery

    def keeping(self: Any, *arguments: Any) -> None:
        begin(self, *arguments)
        submit = self.executor.submit
        self.executor.submit = lambda *given: FUTURES.append(submit(*given))

    RabbitMQConsumer._process_message = returning
    RabbitMQConsumer.__init__ = keeping
