"""One publisher over links that break: it is never caught waiting for ever, and it never publishes twice."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from harness.environment.broker.broker import OwnBroker, broker
from harness.environment.broker.node import BrokerNode
from harness.environment.ports import free_ports
from harness.environment.run.run_scope import RunScope
from harness.load import publisher as publisher_module
from harness.load.publisher import Publisher
from harness.message_ids import message_id

pytestmark = pytest.mark.integration

BODY = b"x" * 100_000
QUEUE = "published"


class Relay:
    """A TCP relay to ``port`` that can be stopped in the middle: what a link through a broken proxy is."""

    def __init__(self, port: int) -> None:
        self._upstream_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_open = threading.Event()
        self.is_open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close all connections that are open now, and none that a client makes because its own was closed."""
        with self._lock:
            doomed, self._sockets = self._sockets, []
        for each in doomed:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        """End it."""
        self.is_open.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                upstream = socket.create_connection(("127.0.0.1", self._upstream_port))
                with self._lock:
                    self._sockets += [client, upstream]
                threading.Thread(target=self._copy, args=(client, upstream), daemon=True).start()
                threading.Thread(target=self._copy, args=(upstream, client), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self.is_open.wait()
                sink.sendall(data)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """One private RabbitMQ for all tests of the module."""
    root = tmp_path_factory.mktemp("state") / "runs"
    with RunScope("test-load-publisher", root=root) as scope, broker(scope, tmp_path_factory.mktemp("logs")) as node:
        node.api.declare_queue(QUEUE)
        yield node


@pytest.fixture
def relay(node: OwnBroker) -> Iterator[Relay]:
    """A link to the broker that can be broken."""
    relay = Relay(node.amqp_port)
    yield relay
    relay.close()


@pytest.fixture
def publisher(node: OwnBroker, relay: Relay) -> Iterator[Publisher]:
    """A connected publisher behind the relay."""
    publisher = Publisher(node.amqp_url(port=relay.port), QUEUE, name="test", sleep=time.sleep)
    assert publisher.connect() is None
    yield publisher
    publisher.close()


def test_a_publish_over_a_sound_link_is_confirmed(publisher: Publisher) -> None:
    """None is the good news."""
    assert publisher.publish(message_id(1, 1), BODY) is None


def test_a_link_that_breaks_while_idle_is_replaced_before_the_next_message(publisher: Publisher, relay: Relay) -> None:
    """The message after a broker's restart does not pay for the restart."""
    relay.cut()

    publisher.wait_until(time.monotonic() + 0.5)

    assert publisher.publish(message_id(1, 2), BODY) is None


def test_a_channel_that_the_broker_closed_is_replaced(publisher: Publisher) -> None:
    """The pika library does not raise for it while it waits."""
    publisher._channel.basic_ack(delivery_tag=99)  # unknown to the broker, which closes the channel for it

    publisher.wait_until(time.monotonic() + 0.3)

    assert publisher.publish(message_id(1, 3), BODY) is None


def test_a_link_that_breaks_during_a_publish_is_a_failure_and_the_next_message_has_a_new_one(
    publisher: Publisher, relay: Relay
) -> None:
    """The outcome is unknown and said so; the message is not sent again."""
    relay.is_open.clear()
    threading.Timer(0.2, relay.cut).start()

    problem = publisher.publish(message_id(1, 4), BODY)
    relay.is_open.set()

    assert problem is not None
    assert "StreamLostError" in problem or "ConnectionClosed" in problem
    assert publisher.publish(message_id(1, 5), BODY) is None


def test_a_broker_that_falls_silent_is_given_up_on(
    node: OwnBroker, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that stalls for ever gives no error of its own; heartbeats do."""
    monkeypatch.setattr(publisher_module, "HEARTBEAT_S", 1)
    publisher = Publisher(node.amqp_url(port=relay.port), QUEUE, name="test", sleep=time.sleep)
    assert publisher.connect() is None
    relay.is_open.clear()
    began_mono_s = time.monotonic()

    problem = publisher.publish(message_id(1, 6), BODY)

    assert problem is not None
    assert "eartbeat" in problem
    assert time.monotonic() - began_mono_s < 30  # 2 * (1 + 5) s and a busy machine


def test_a_broker_that_blocks_publishers_is_given_up_on(node: OwnBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above its memory watermark RabbitMQ takes no publish and says nothing more; pika waits for ever by default."""
    monkeypatch.setattr(publisher_module, "BLOCKED_TIMEOUT_S", 0.5)
    publisher = Publisher(node.amqp_url(), QUEUE, name="test", sleep=time.sleep)
    assert isinstance(node.node, BrokerNode)
    set_watermark(node, "1MB")
    try:
        problem = publisher.publish(message_id(1, 7), BODY)
    finally:
        set_watermark(node, "6GB")

    assert problem is not None
    assert "ConnectionBlockedTimeout" in problem


def test_without_a_broker_a_message_fails_at_its_time_and_not_before() -> None:
    """The schedule is kept while the broker is down: waiting goes on, and the publish says why it failed."""
    (port,) = free_ports(1)
    publisher = Publisher(f"amqp://127.0.0.1:{port}", QUEUE, name="test", sleep=time.sleep)
    began_mono_s = time.monotonic()

    publisher.wait_until(began_mono_s + 0.4)
    waited_s = time.monotonic() - began_mono_s
    problem = publisher.publish(message_id(1, 8), BODY)
    publisher.close()

    assert 0.4 <= waited_s < 1.0
    assert problem is not None
    assert problem.startswith("not connected")


def set_watermark(node: OwnBroker, absolute: str) -> None:
    """Raise or end the memory alarm."""
    assert isinstance(node.node, BrokerNode)
    env = node.node._env
    control = "/usr/lib/rabbitmq/bin/rabbitmqctl"
    argv = [control, "-n", env["RABBITMQ_NODENAME"], "set_vm_memory_high_watermark", "absolute", absolute]
    subprocess.run(argv, env=env, check=True, capture_output=True, timeout=60)
