"""The broker's own timers and limits, as a real node keeps them for a work queue."""

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from harness.environment.broker.broker import OwnBroker, broker
from harness.environment.broker.work_queue import QueueSettings, WorkQueue, work_queue
from harness.environment.run.run_scope import RunScope
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

TIMEOUT_MS = 2_000
LIMIT_S = 20.0


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """A node whose deliveries may wait two seconds for their acknowledgement."""
    folder = tmp_path_factory.mktemp("timers")
    with (
        RunScope(f"timers-test-{uuid.uuid4().hex[:8]}", folder / "state") as scope,
        broker(scope, folder / "logs", acknowledgement_timeout_ms=TIMEOUT_MS) as running,
    ):
        yield running


@contextlib.contextmanager
def channel_of(queue: WorkQueue) -> Iterator[Any]:
    """Yield a channel with one message in the queue."""
    connection = pika.BlockingConnection(pika.URLParameters(queue.amqp_url()))
    with contextlib.closing(connection):
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        channel.basic_publish("", queue.name, b"x")
        yield channel


def test_who_acknowledges_too_late_loses_his_channel(node: OwnBroker) -> None:
    """Guarantees a guilty consumer's channel closed within a tick of the timeout, and an innocent one's left alone."""
    with work_queue(node, "late", "q") as queue, channel_of(queue) as channel:
        taken: list[float] = []
        channel.basic_consume("q", lambda *_: taken.append(time.monotonic()))
        with pytest.raises(ChannelClosedByBroker, match="delivery acknowledgement on channel 1 timed out"):
            _consume(channel, for_s=LIMIT_S)
        waited_s = time.monotonic() - taken[0]
        assert TIMEOUT_MS / 1000 <= waited_s <= TIMEOUT_MS / 1000 * 2
        wait_for("the message in the queue again", lambda: queue.counts().work.ready == 1, timeout_s=LIMIT_S)

    with work_queue(node, "in-time", "q") as queue, channel_of(queue) as channel:
        channel.basic_consume("q", lambda channel, method, *_: channel.basic_ack(method.delivery_tag))
        _consume(channel, for_s=TIMEOUT_MS / 1000 * 2)
        assert channel.is_open


def test_a_delivery_limit_ends_a_loop_and_a_ttl_ends_a_wait(node: OwnBroker) -> None:
    """Guarantees both by what a consumer sees, and that a client which declares the queue need not know them."""
    limited = QueueSettings("quorum", {"delivery-limit": 2})
    with work_queue(node, "limited", "q", limited) as queue, channel_of(queue) as channel:
        channel.queue_declare("q", durable=True, arguments={"x-queue-type": "quorum"})
        deliveries: list[int] = []

        def give_back(channel: Any, method: Any, *_: Any) -> None:
            deliveries.append(method.delivery_tag)
            channel.basic_nack(method.delivery_tag, requeue=True)

        channel.basic_consume("q", give_back)
        _consume(channel, for_s=2.0)
        assert len(deliveries) == 3, "the first delivery and two more"
        wait_for("the message to be dropped", lambda: queue.counts().work.messages == 0, timeout_s=LIMIT_S)

    with (
        work_queue(node, "ttl", "q", QueueSettings("classic", {"message-ttl": 500})) as queue,
        channel_of(queue) as channel,
    ):
        channel.queue_declare("q", durable=True)
        wait_for("the message to expire", lambda: queue.counts().work.messages == 0, timeout_s=LIMIT_S)


def _consume(channel: Any, *, for_s: float) -> None:
    """Serve the consumers of ``channel`` for so long. Raises what closed the channel."""
    channel.connection.call_later(for_s, channel.stop_consuming)
    channel.start_consuming()
