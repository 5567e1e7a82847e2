"""What the timeout of a call bounds, against a server on a socket: hole 6, and the deadline of the hardened poster."""

import gc
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest

from tests.socket_server import ANSWER, OK, answer, read_request, served_by
from worker_under_test.errors import MemoryApiResponseError, MemoryApiTimeoutError
from worker_under_test.outcomes import Delivery
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.total_deadline import HttpPoster, choose


def drip(connection: socket.socket, over: threading.Event) -> None:
    """Answer one byte at a time, each well within the timeout, all of them well beyond it."""
    read_request(connection)
    for number in range(len(OK)):
        connection.sendall(OK[number : number + 1])
        if over.wait(0.05):
            return


def hang(connection: socket.socket, over: threading.Event) -> None:
    """Read the request, and say nothing."""
    read_request(connection)
    over.wait(10)


def never_read(_connection: socket.socket, over: threading.Event) -> None:
    """Accept, and read nothing: the request fills the socket's buffers and stops."""
    over.wait(10)


def post(poster: HttpPoster, url: str) -> bytes:
    """Send a small request."""
    return poster.post(url, {"conversation_id": "c-0"}, {"Idempotency-Key": "c-0"})


@pytest.mark.parametrize("behaviour", [Behaviour.ORIGINAL, Behaviour.HARDENED])
def test_an_answer_in_time_is_returned(behaviour: Behaviour) -> None:
    """Guarantees that both posters speak HTTP, with a dict and with chunks."""
    with served_by(answer) as url:
        poster = choose(behaviour, timeout_s=10)
        assert json.loads(post(poster, url)) == {"facts": []}
        assert json.loads(poster.post(url, iter([b'{"a":', b"1}"]), {})) == {"facts": []}


def test_a_dripping_server_is_never_cut_off_by_the_reports_timeout() -> None:
    """Shows hole 6: an answer that takes ten times the timeout is waited for."""
    with served_by(drip) as url:
        started_s = time.monotonic()
        assert post(choose(Behaviour.REPORTED, timeout_s=0.25), url) == ANSWER
        assert time.monotonic() - started_s > 2


@pytest.mark.parametrize("behave", [drip, hang, never_read])
def test_the_deadline_cuts_off_whatever_the_server_does(
    behave: Callable[[socket.socket, threading.Event], None],
) -> None:
    """Guarantees that a call takes its timeout at most, be it the head, the body or the sending that does not end."""
    large = ({"n": number, "text": "x" * 100_000} for number in range(300))
    with served_by(behave) as url:
        started_s = time.monotonic()
        with pytest.raises(MemoryApiTimeoutError, match=r"0\.25 s"):
            choose(Behaviour.HARDENED, timeout_s=0.25).post(url, (json.dumps(each).encode() for each in large), {})
        assert time.monotonic() - started_s < 5


def test_an_answer_of_any_size_is_cut_off() -> None:
    """Guarantees that a broken memory API can't fill the worker's memory."""

    def send_for_ever(connection: socket.socket, over: threading.Event) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"x" * 65_536)

    with served_by(send_for_ever) as url, pytest.raises(MemoryApiResponseError, match="larger than"):
        post(choose(Behaviour.HARDENED, timeout_s=20), url)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [(Behaviour.ORIGINAL, httpx.HTTPStatusError), (Behaviour.HARDENED, MemoryApiResponseError)],
)
def test_an_http_500_is_an_error(behaviour: Behaviour, expected: type[Exception]) -> None:
    """Guarantees that the incident's answer is no answer."""

    def fail(connection: socket.socket, _over: threading.Event) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")

    with served_by(fail) as url, pytest.raises(expected, match="500"):
        post(choose(behaviour, timeout_s=10), url)


def test_a_broken_connection_is_an_error_of_the_memory_api() -> None:
    """Guarantees that a reset is told from a timeout: it is no reason to wait longer."""
    with served_by(lambda _connection, _over: None) as url, pytest.raises(MemoryApiResponseError, match="broke"):
        post(choose(Behaviour.HARDENED, timeout_s=10), url)


def test_a_call_that_was_cut_off_leaves_no_cycle_behind() -> None:
    """Guarantees that a timed-out call's message is freed at once, by reference counts alone."""
    poster = choose(Behaviour.HARDENED, timeout_s=0.2)

    def call(url: str) -> None:
        delivery = Delivery(b"x" * 1000)
        with suppress(MemoryApiTimeoutError):
            poster.post(url, iter([b'{"a":"', delivery.body, b'"}']), {})

    with served_by(hang) as url:
        call(url)
        gc.collect()
        gc.disable()
        try:
            call(url)
            assert not any(isinstance(each, Delivery) for each in gc.get_objects())
        finally:
            gc.enable()
