"""The publisher over HTTP: a 202 is a confirm, anything else is an error in a sentence, and nothing is repeated."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from harness.environment.ports import free_port
from harness.incidents.pika_mem0.api_publisher import ApiPublisher

BODY = b'{"message_id": "c-1"}'
REFUSED = b'{"error_code": "BROKER_UNAVAILABLE"}'


class Ingress(ThreadingHTTPServer):
    """An ingress that gives one answer to everything, and remembers what it was sent."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.received: list[tuple[str, bytes]] = []


class Handler(BaseHTTPRequestHandler):
    """Serves one connection of ``Ingress``."""

    protocol_version = "HTTP/1.1"
    server: Ingress

    def do_POST(self) -> None:
        """Take a conversation."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))
        self.do_GET()

    def do_GET(self) -> None:
        """Give the one answer."""
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(REFUSED)))
        self.end_headers()
        self.wfile.write(REFUSED)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def ingress(status: int) -> Iterator[tuple[Ingress, ApiPublisher]]:
    """Serve ``status`` to a publisher."""
    with Ingress(status) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        publisher = ApiPublisher(f"http://127.0.0.1:{server.server_port}", sleep=time.sleep)
        yield server, publisher
        publisher.close()
        server.shutdown()
        thread.join(10)


def test_a_202_is_a_confirm_of_the_whole_body() -> None:
    """Guarantees that what was accepted was sent as it is, once."""
    with ingress(202) as (server, publisher):
        assert publisher.connect() is None
        assert publisher.publish("c-1", BODY) is None
        assert server.received == [("/conversation_events", BODY)]


@pytest.mark.parametrize("status", [200, 413, 422, 500, 503])
def test_any_other_answer_is_an_error_that_says_what_was_answered(status: int) -> None:
    """Guarantees that only a 202 counts, that the journal has the reason, and that nothing is repeated."""
    with ingress(status) as (server, publisher):
        assert publisher.publish("c-1", BODY) == f"HTTP {status}: {REFUSED.decode()}"
        assert len(server.received) == 1


def test_an_ingress_that_is_not_healthy_is_not_connected() -> None:
    """Guarantees that a load does not begin at an ingress without a broker."""
    with ingress(503) as (_, publisher):
        assert publisher.connect() == f"HTTP 503: {REFUSED.decode()}"


def test_an_ingress_that_is_not_there_is_an_error_in_a_sentence() -> None:
    """Guarantees that a refused connection is an attempt that failed, not an exception of the load."""
    publisher = ApiPublisher(f"http://127.0.0.1:{free_port()}", sleep=time.sleep)

    assert str(publisher.connect()).startswith("not connected: ConnectError")
    assert str(publisher.publish("c-1", BODY)).startswith("ConnectError")


def test_waiting_sleeps_for_what_is_left_and_not_at_all_when_it_is_late() -> None:
    """Guarantees the open loop: the schedule decides when, not the publisher."""
    asked: list[float] = []
    slept = Event()

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        slept.wait(seconds)

    publisher = ApiPublisher("http://127.0.0.1:9", sleep=sleep)
    publisher.wait_until(time.monotonic() - 1)
    assert asked == []
    due_mono_s = time.monotonic() + 0.05
    publisher.wait_until(due_mono_s)
    assert time.monotonic() >= due_mono_s
    assert 0 < asked[0] <= 0.05
