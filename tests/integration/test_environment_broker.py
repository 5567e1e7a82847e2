"""A private RabbitMQ node: up, asked, killed, started again, and gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
import psutil
import pytest

from harness.environment.broker import node as node_module
from harness.environment.broker.broker import OwnBroker, broker, external_broker
from harness.environment.broker.node import BrokerNode
from harness.environment.run.census import census
from harness.environment.run.run_scope import RunScope
from harness.errors import MissingPartError, PartFailedError
from harness.waiting import wait_for
from tests.broker_definitions import write_definitions_out

pytestmark = pytest.mark.integration

LIMIT_S = 30.0
QUEUE = "conversation_events_processing"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """One node for the module; its end is checked when it is left."""
    folder = tmp_path_factory.mktemp("broker")
    with RunScope("broker-test", folder / "state") as scope:
        with broker(scope, folder / "logs") as running:
            yield running
        left = census(scope.run_id, scope.root)
        assert not left.processes, left.text
    assert census("broker-test", folder / "state").clean
    assert "started TCP listener" in (folder / "logs" / "rabbitmq.log").read_text()


@pytest.fixture
def vhost(node: OwnBroker, request: pytest.FixtureRequest) -> Iterator[str]:
    """A virtual host of this test alone, with the queue in it."""
    name = f"run/{request.node.name}"
    node.api.create_vhost(name)
    node.api.declare_queue(QUEUE, vhost=name)
    yield name
    node.api.delete_vhost(name)


def test_it_says_its_versions(node: OwnBroker) -> None:
    """The manifest names what was run."""
    assert node.versions.rabbitmq[0].isdecimal()
    assert node.versions.erlang[0].isdecimal()


def test_it_listens_on_loopback_alone(node: OwnBroker) -> None:
    """AMQP, management, Erlang's distribution and epmd: nothing of it can be reached from elsewhere."""
    assert isinstance(node.node, BrokerNode)
    pids = [seen.pid for seen in census("broker-test").processes]
    listening = [each for pid in pids for each in psutil.Process(pid).net_connections("tcp") if each.status == "LISTEN"]
    assert {each.laddr.ip for each in listening} <= {"127.0.0.1", "::1"}
    assert {each.laddr.port for each in listening} >= {node.amqp_port, node.management_port}


def test_figures_follow_messages(node: OwnBroker, vhost: str) -> None:
    """Ready, unacknowledged, redelivered, acknowledged, bytes: what the probes record."""
    with connected(node, vhost) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for _ in range(3):
            channel.basic_publish("", QUEUE, b"x" * 1000, pika.BasicProperties(delivery_mode=2))
        settled(node, vhost, ready=3, unacked=0)
        assert node.api.queue(QUEUE, vhost=vhost).message_bytes == 3000

        tags = [channel.basic_get(QUEUE)[0].delivery_tag for _ in range(2)]
        settled(node, vhost, ready=1, unacked=2)
        channel.basic_nack(tags[0], requeue=True)
        channel.basic_ack(tags[1])
        again = channel.basic_get(QUEUE)[0]
        assert again.redelivered
        settled(node, vhost, ready=1, unacked=1, redelivered=1)


def test_the_prefetch_in_force_is_told(node: OwnBroker, vhost: str) -> None:
    """Set after the consumer began, a prefetch does not apply to it: 0, without limit, is what the broker reports."""
    with connected(node, vhost) as connection:
        late, right = connection.channel(), connection.channel()
        late.basic_consume(QUEUE, lambda *_: None, consumer_tag="late")
        late.basic_qos(prefetch_count=10)
        right.basic_qos(prefetch_count=10)
        right.basic_consume(QUEUE, lambda *_: None, consumer_tag="right")
        found = wait_for(
            "both consumers to be told",
            lambda: two if len(two := node.api.consumers(QUEUE, vhost=vhost)) == 2 else None,
            timeout_s=LIMIT_S,
        )
    assert {each.tag: each.prefetch_count for each in found} == {"late": 0, "right": 10}


def test_a_queue_is_purged_and_deleted(node: OwnBroker, vhost: str) -> None:
    """A queue that is gone is said to be gone."""
    with connected(node, vhost) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("", QUEUE, b"x")
        node.api.purge(QUEUE, vhost=vhost)
        assert channel.queue_declare(QUEUE, passive=True).method.message_count == 0
    node.api.delete_queue(QUEUE, vhost=vhost)
    with pytest.raises(PartFailedError, match=f"GET /queues/.*/{QUEUE}: HTTP 404"):
        node.api.queue(QUEUE, vhost=vhost)


def test_connections_are_closed_from_the_brokers_side(node: OwnBroker, vhost: str) -> None:
    """The client is told CONNECTION_FORCED."""
    with connected(node, vhost) as connection:
        wait_for("the connection to be told", node.api.connections, timeout_s=LIMIT_S)
        assert node.api.close_connections() == 1
        with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="CONNECTION_FORCED"):
            connection.process_data_events(time_limit=LIMIT_S)


def test_a_wrong_password_is_refused_without_being_shown(node: OwnBroker) -> None:
    """The message names call and status."""
    url = f"amqp://guest:secret@127.0.0.1:{node.amqp_port}/%2F"
    refusal = pytest.raises(PartFailedError, match="GET /overview: HTTP 401")
    with refusal as caught, external_broker(url, management_port=node.management_port):
        pass
    assert "secret" not in str(caught.value)


def test_it_serves_as_an_external_broker(node: OwnBroker) -> None:
    """``--broker-url`` on this machine is as good as a node of our own, and is not ours to kill."""
    with external_broker(node.amqp_url(), management_port=node.management_port) as given:
        assert (given.versions, given.amqp_url()) == (node.versions, node.amqp_url())
        assert not isinstance(given, OwnBroker)


def test_killed_and_started_again_it_has_kept_what_it_confirmed(node: OwnBroker, vhost: str) -> None:
    """A crash loses no confirmed persistent message; ports stay."""
    with connected(node, vhost) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("", QUEUE, b"kept", pika.BasicProperties(delivery_mode=2))
        write_definitions_out(node)
        node.kill()
        with pytest.raises(pika.exceptions.AMQPError):
            connection.process_data_events(time_limit=LIMIT_S)
    with pytest.raises(PartFailedError):
        node.api.versions()
    node.start_again()
    with connected(node, vhost) as connection:
        assert connection.channel().basic_get(QUEUE, auto_ack=True)[2] == b"kept"
    with pytest.raises(PartFailedError, match=r"still runs; kill\(\) it first"):
        node.start_again()


def test_two_runs_have_two_nodes(node: OwnBroker, tmp_path: Path) -> None:
    """Neither knows of the other's queues, and the end of one is not the end of the other."""
    with RunScope("broker-beside", tmp_path / "state") as scope, broker(scope, tmp_path / "logs") as beside:
        beside.api.declare_queue("only-here")
        with pytest.raises(PartFailedError, match="HTTP 404"):
            node.api.queue("only-here")
    assert node.api.versions() == node.versions


def test_a_node_that_does_not_come_up_is_told_with_its_logs_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason stands in the message, at once: the start-up limit is not waited for."""
    monkeypatch.setattr(node_module, "_PAGING_RATIO", "no Erlang term")
    with RunScope("broker-broken", tmp_path / "state") as scope:
        refusal = pytest.raises(PartFailedError, match=r"(?s)RabbitMQ ended with status.*advanced")
        with refusal, broker(scope, tmp_path / "logs"):
            pass
        assert not census(scope.run_id, scope.root).processes


def test_without_rabbitmq_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started, and the message says how to get it."""
    monkeypatch.setattr(node_module, "find_server", lambda: None)
    with pytest.raises(MissingPartError, match="apt-get install rabbitmq-server"):
        BrokerNode("none", tmp_path, tmp_path, {})


@contextmanager
def connected(node: OwnBroker, vhost: str) -> Iterator[pika.BlockingConnection]:
    """A client's connection; closed afterwards, unless the broker has done it."""
    connection = pika.BlockingConnection(pika.URLParameters(node.amqp_url(vhost)))
    try:
        yield connection
    finally:
        if connection.is_open:
            connection.close()


def settled(node: OwnBroker, vhost: str, **expected: int) -> None:
    """Wait until the queue's figures, which are up to a second old, are as expected."""

    def as_expected() -> bool:
        figures = node.api.queue(QUEUE, vhost=vhost)
        return all(getattr(figures, name) == value for name, value in expected.items())

    wait_for(f"the queue to have {expected}", as_expected, timeout_s=LIMIT_S)
