"""The ingress as a process, on a real broker: what it accepted is stored and queued, whatever becomes of the broker."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from harness.environment.process import Child
from harness.waiting import wait_for
from tests.worker_bench import LIMIT_S, Bench, BenchParts, bench_for, bench_parts, conversation
from worker_under_test.config_settings import load_settings
from worker_under_test.errors import PublishFailedError
from worker_under_test.ingress.confirmed_publisher import ConfirmedPublisher
from worker_under_test.remedies import chosen

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchParts]:
    """One broker and one pika-mem0 for all tests of this module."""
    with bench_parts(tmp_path_factory.mktemp("ingress"), "test-worker-ingress") as parts:
        yield parts


@pytest.fixture
def bench(parts: BenchParts, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A queue and a database of the test's own."""
    with bench_for(parts, request.node.name, tmp_path) as bench:
        bench.env["INGRESS_PUBLISH_TIMEOUT_SECONDS"] = "5"
        yield bench


@contextmanager
def ingress(bench: Bench) -> Iterator[tuple[Child, httpx.Client]]:
    """Run an ingress, connected to its broker; it must end with 0 on SIGTERM."""
    ready_file = bench.folder / "ingress.json"
    with (
        bench.child("ingress", ("ingress", "--port", "0", "--ready-file", str(ready_file))) as child,
        httpx.Client(timeout=LIMIT_S, trust_env=False) as client,
    ):
        wait_for("the ingress to listen", ready_file.exists, timeout_s=LIMIT_S, alive=child.death)
        client.base_url = httpx.URL(f"http://127.0.0.1:{json.loads(ready_file.read_text())['port']}")
        wait_until_healthy(client)
        yield child, client
        child.signal(signal.SIGTERM)
        assert child.wait(LIMIT_S) == 0, child.tail()


def wait_until_healthy(client: httpx.Client) -> None:
    """Wait until the ingress has its connection to the broker."""
    wait_for("the ingress to be healthy", lambda: client.get("/healthz").is_success, timeout_s=LIMIT_S)


def post(client: httpx.Client, conversation_id: str) -> int:
    """Post one conversation and return the status."""
    return client.post("/conversation_events", content=conversation(conversation_id)).status_code


def test_what_the_ingress_accepts_a_worker_processes(bench: Bench) -> None:
    """Guarantees the whole path of the incident's architecture, for the worker as it was and as it is fixed."""
    with ingress(bench) as (_, client):
        with bench.worker("--preset", "incident"):
            assert post(client, "c-1") == httpx.codes.ACCEPTED
            bench.wait_for_rows({"c-1": ("PROCESSED", None)})
        with bench.worker("--preset", "fixed"):
            assert post(client, "c-2") == httpx.codes.ACCEPTED
            bench.wait_for_rows({"c-1": ("PROCESSED", None), "c-2": ("PROCESSED", None)})


def test_a_conversation_posted_twice_has_one_event_that_keeps_its_state(bench: Bench) -> None:
    """Guarantees that a client may repeat what it is not sure of: the row stays, the message comes again."""
    bench.seed("c-1", status="PROCESSED")
    with ingress(bench) as (_, client):
        assert [post(client, name) for name in ("c-1", "c-2", "c-2")] == [202, 202, 202]

    assert bench.rows() == {"c-1": ("PROCESSED", None), "c-2": ("PENDING", None)}
    wait_for("three messages in the queue", lambda: bench.messages() == 3, timeout_s=LIMIT_S)


def test_a_queue_that_is_not_there_is_no_reason_to_accept(bench: Bench) -> None:
    """Guarantees that a message which the broker could route nowhere is not taken for one that is queued."""
    environ = {"RABBITMQ_URL": bench.queue.amqp_url(), "RABBITMQ_QUEUE": "nobody-declared-this"}
    with ConfirmedPublisher(load_settings(environ, chosen.choose("fixed", None, [], []))) as publisher:
        wait_for("the publisher to connect", lambda: publisher.is_connected, timeout_s=LIMIT_S)
        confirmed = publisher.submit("c-1", conversation("c-1"))
        with pytest.raises(PublishFailedError, match="Unroutable"):
            confirmed.result(LIMIT_S)
        assert publisher.is_connected  # the broker answered: nothing is wrong with the connection


def test_a_broker_killed_half_way_costs_no_message_that_was_accepted(bench: Bench) -> None:
    """Guarantees that there is no 202 without a message, that a dead broker is a 503, and that the ingress recovers."""
    accepted: list[str] = []
    refused: list[str] = []
    broker_is_back = threading.Event()

    with ingress(bench) as (_, client):

        def keep_posting(client_number: int) -> None:
            number = 0
            while not broker_is_back.is_set():
                name = f"c-{client_number}-{number}"
                (accepted if post(client, name) == httpx.codes.ACCEPTED else refused).append(name)
                number += 1

        clients = [threading.Thread(target=keep_posting, args=(number,)) for number in range(4)]
        for each in clients:
            each.start()
        try:
            wait_for("some to be accepted", lambda: len(accepted) >= 20, timeout_s=LIMIT_S)
            node = bench.own_broker
            node.kill()
            wait_for("some to be refused", lambda: len(refused) >= 20, timeout_s=LIMIT_S)
            node.start_again()
        finally:
            broker_is_back.set()
            for each in clients:
                each.join(LIMIT_S)
        wait_until_healthy(client)
        assert post(client, "c-last") == httpx.codes.ACCEPTED

    assert {*accepted, "c-last"} <= queued(bench)


def queued(bench: Bench) -> set[str]:
    """Take every message out of the queue; return the conversations' ids."""
    names: set[str] = set()
    with bench._channel() as channel:
        while (body := channel.basic_get(bench.queue.name, auto_ack=True)[2]) is not None:
            names.add(json.loads(body)["conversation_id"])
    return names
