"""What the two posters send and refuse, byte by byte, against a server on a socket."""

import re
import socket
import threading
import time

import httpx
import pytest

from tests.socket_server import OK, served_by
from worker_under_test.errors import MemoryApiResponseError, MemoryApiTimeoutError
from worker_under_test.message_handling import MessageHook
from worker_under_test.outcomes import Delivery, Failure, FailureKind, Settlement
from worker_under_test.remedies import clean_up, idempotent_redelivery, other_error_outcome, total_deadline
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.total_deadline import choose

BODY_BYTES_MAX = 2**20


class Listening:
    """A server that keeps the requests it read, whole."""

    def __init__(self, answer: bytes = OK) -> None:
        self.requests: list[bytes] = []
        self._answer = answer

    def __call__(self, connection: socket.socket, _over: threading.Event) -> None:
        """Read one request to its end, and answer."""
        request = b""
        while not (request.endswith((b"}", b"0\r\n\r\n")) or not (received := connection.recv(65_536))):
            request += received
        self.requests.append(request)
        connection.sendall(self._answer)


def answered(body: bytes) -> bytes:
    """Return a good HTTP answer with this body."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("behaviour", [Behaviour.ORIGINAL, Behaviour.HARDENED])
def test_a_request_is_a_post_of_json_under_its_idempotency_key(behaviour: Behaviour) -> None:
    """Guarantees method, path, both headers and the body, whole and in chunks: Vietnamese stays as it is written."""
    server = Listening()
    with served_by(server) as url:
        poster = choose(behaviour, timeout_s=10)
        poster.post(url, {"text": "chào"}, {"Idempotency-Key": "c-0"})
        poster.post(url, iter([b'{"a":', b"1}"]), {"Idempotency-Key": "c-1"})
    whole, chunks = server.requests[:2]
    for request, key in ((whole, b"c-0"), (chunks, b"c-1")):
        assert request.startswith(b"POST /extract_facts HTTP/1.1\r\n")
        head = request.partition(b"\r\n\r\n")[0].lower()
        assert b"\r\ncontent-type: application/json" in head
        assert b"\r\nidempotency-key: " + key in head
    assert re.fullmatch(rb'\{"text": ?"ch\xc3\xa0o"\}', whole.partition(b"\r\n\r\n")[2])
    assert chunks.endswith(b'5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n')


@pytest.mark.parametrize("behaviour", [Behaviour.ORIGINAL, Behaviour.HARDENED])
def test_no_proxy_of_the_environment_gets_between(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that a message of the user's goes to the memory API and to nobody else."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with served_by(Listening()) as url:
        assert choose(behaviour, timeout_s=10).post(url, {}, {}) == b'{"facts": []}'


def test_the_reports_timeout_bounds_a_server_that_is_silent() -> None:
    """Guarantees that the original poster has a timeout at all: of each operation."""

    def silent(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65_536)
        over.wait(10)

    began_s = time.monotonic()
    with served_by(silent) as url, pytest.raises(httpx.ReadTimeout):
        choose(Behaviour.REPORTED, timeout_s=0.2).post(url, {}, {})
    assert time.monotonic() - began_s < 3  # httpx' own default is five seconds


def test_a_silent_server_is_named_with_the_timeout_and_what_was_awaited() -> None:
    """Guarantees an error that says how long, and for what."""

    def silent(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65_536)
        over.wait(10)

    with served_by(silent) as url, pytest.raises(MemoryApiTimeoutError) as error:
        choose(Behaviour.HARDENED, timeout_s=0.2).post(url, {}, {})
    assert str(error.value) == "no answer within 0.2 s (ReadTimeout)"


def test_a_broken_connection_is_named_with_its_reason() -> None:
    """Guarantees the name of what broke: here, a server that hangs up."""
    with served_by(lambda _connection, _over: None) as url, pytest.raises(MemoryApiResponseError) as error:
        choose(Behaviour.HARDENED, timeout_s=10).post(url, {}, {})
    assert re.match(r"the connection broke: (Read|RemoteProtocol|Write)Error: .", str(error.value))


def test_a_deadline_that_is_over_ends_a_call_before_it_connects() -> None:
    """Guarantees that connecting counts: with no time left nothing is opened."""
    server = Listening()
    with served_by(server) as url, pytest.raises(MemoryApiTimeoutError, match="ConnectTimeout"):
        choose(Behaviour.HARDENED, timeout_s=-1).post(url, {}, {})
    assert server.requests in ([], [b""])


def test_a_short_deadline_is_still_a_deadline() -> None:
    """Guarantees that a call with half a second left is made."""
    with served_by(Listening()) as url:
        assert choose(Behaviour.HARDENED, timeout_s=0.5).post(url, {}, {}) == b'{"facts": []}'


@pytest.mark.parametrize(("size", "taken"), [(BODY_BYTES_MAX, True), (BODY_BYTES_MAX + 1, False)])
def test_an_answer_of_a_mebibyte_is_read_and_one_byte_more_is_not(size: int, taken: bool) -> None:
    """Guarantees the edge of the bound, and that the original has none."""
    with served_by(Listening(answered(b"x" * size))) as url:
        poster = choose(Behaviour.HARDENED, timeout_s=10)
        if taken:
            assert len(poster.post(url, {}, {})) == size
        else:
            with pytest.raises(MemoryApiResponseError, match="the answer is larger than 1048576 bytes"):
                poster.post(url, {}, {})
        assert len(choose(Behaviour.ORIGINAL, timeout_s=10).post(url, {}, {})) == size


def test_no_connection_is_kept_for_the_next_call() -> None:
    """Guarantees a new connection for each call: a stale one would cost a failed event."""
    poster = choose(Behaviour.HARDENED, timeout_s=10)
    assert isinstance(poster, total_deadline.TotalDeadline)
    with served_by(Listening(OK.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n", 1))) as url:
        for _ in range(2):
            poster.post(url, {}, {})
            assert poster._pool.connections == []


class Unrecorded:
    """A recorder that can record nothing."""

    def record_failed(self, *_: object, **__: object) -> bool:
        """Fail."""
        return False


class NoLetters:
    """A dead-letter queue that nobody should use."""

    def put(self, body: bytes, reason: str) -> None:
        """Refuse."""
        raise AssertionError((body, reason))


def test_a_failure_that_is_not_recorded_is_not_acknowledged() -> None:
    """Guarantees, for every other error, that the broker keeps what the database did not take."""
    outcome = other_error_outcome.OutcomeByKind(Unrecorded(), NoLetters())  # type: ignore[arg-type]
    failure = Failure(FailureKind.OTHER, "MEMORY_API_ERROR", "HTTP 500")
    assert outcome(Delivery(b"", conversation_id="c-0"), failure) is Settlement.REQUEUE_LATER


def test_the_hardened_worker_remembers_a_thousand_finished_calls() -> None:
    """Guarantees the edge of the bound: the thousandth pushes none out."""
    finished = idempotent_redelivery.finished_calls(Behaviour.HARDENED)
    for number in range(1000):
        finished.remember(f"c-{number}", float(number))
    assert finished.recall("c-0") == 0.0


@pytest.mark.parametrize("behaviour", list(Behaviour))
def test_a_handler_shows_its_hooks_the_message_and_the_failure(behaviour: Behaviour) -> None:
    """Guarantees the two moments of a hook in every behaviour: the id is known, and the message has failed."""
    seen: list[str] = []

    class Hook(MessageHook):
        def message_read(self, delivery: Delivery) -> None:
            seen.append(f"read {delivery.conversation_id}")

        def message_failed(self, delivery: Delivery, error: Exception) -> None:
            seen.append(f"failed {delivery.conversation_id}: {error}")

    class Service:
        def process_single_event_with_log(self, *_: object) -> None:
            raise RuntimeError("HTTP 500")

        process_single_event_streamed = process_single_event_with_log

    handler = clean_up.choose(behaviour, Service(), (Hook(),))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError):
        handler.handle(Delivery(b'{"conversation_id": "c-0", "conversation_log": []}'))
    assert seen == ["read c-0", "failed c-0: HTTP 500"]
