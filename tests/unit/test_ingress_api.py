"""The ingress' HTTP API: what it promises with a 202, and how it says that it does not."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from worker_under_test.errors import PublishFailedError
from worker_under_test.ingress.api import ID_BYTES_MAX, create_app

BODY_BYTES_MAX = 2000
MESSAGE = {"conversation_id": "c-1", "user_id": "u", "bot_id": "b", "conversation_log": []}


class FakeBroker:
    """A publisher whose confirms the test decides; and the database's half, in the order of what happened."""

    def __init__(self, outcome: Callable[[Future[None]], object] = lambda future: future.set_result(None)) -> None:
        self.happened: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self.is_connected = True
        self.database_is_down = False
        self._outcome = outcome

    def store(self, conversation_id: str) -> None:
        """Store the event."""
        if self.database_is_down:
            raise OperationalError("INSERT", {}, Exception("gone"))
        self.happened.append(("stored", conversation_id))

    def submit(self, conversation_id: str, body: bytes) -> Future[None]:
        """Publish the message."""
        self.happened.append(("published", conversation_id))
        self.bodies.append(body)
        future: Future[None] = Future()
        self._outcome(future)
        return future


def ask(broker: FakeBroker, method: str, path: str, body: bytes | AsyncIterator[bytes] = b"") -> httpx.Response:
    """Send one request through the whole application, without a socket."""
    app = create_app(broker.store, broker, body_bytes_max=BODY_BYTES_MAX, publish_timeout_s=0.05)

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ingress") as client:
            return await client.request(method, path, content=body)

    return asyncio.run(request())


def post(broker: FakeBroker, body: bytes | AsyncIterator[bytes]) -> httpx.Response:
    """Post one conversation."""
    return ask(broker, "POST", "/conversation_events", body)


def message(**changes: Any) -> bytes:
    """Return a message with ``changes``; None takes a field out."""
    fields = {**MESSAGE, **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def refuses(future: Future[None]) -> None:
    """End as a publish that the broker did not confirm."""
    future.set_exception(PublishFailedError("not confirmed"))


def test_a_conversation_is_stored_then_published_as_it_came_then_accepted() -> None:
    """Guarantees the order that loses nothing, and that the worker gets the very bytes of the client."""
    broker, body = FakeBroker(), b" " + message(conversation_id="hội-thoại")
    answer = post(broker, body)

    assert (answer.status_code, answer.json()) == (202, {"conversation_id": "hội-thoại"})
    assert broker.happened == [("stored", "hội-thoại"), ("published", "hội-thoại")]
    assert broker.bodies == [body]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 1500,
        message(conversation_id=None),
        message(conversation_id=7),
        message(conversation_id=""),
        message(conversation_id="x" * (ID_BYTES_MAX + 1)),
        message(conversation_id="ạ" * (ID_BYTES_MAX // 3 + 1)),
        message(conversation_id="c\0"),
        message(conversation_id="\ud800"),
        message(conversation_log=None),
        message(conversation_log="text"),
        message(user_id=None),
        message(bot_id=3),
    ],
)
def test_what_no_worker_could_process_is_422_and_leaves_nothing(body: bytes) -> None:
    """Guarantees that bad JSON and bad fields reach neither database nor queue."""
    broker = FakeBroker()
    answer = post(broker, body)

    assert (answer.status_code, answer.json()["error_code"]) == (422, "UNPARSEABLE_MESSAGE")
    assert broker.happened == []


def test_an_id_of_the_longest_length_is_accepted() -> None:
    """Guarantees the edge: 255 bytes fit the column and the message's property."""
    assert post(FakeBroker(), message(conversation_id="x" * ID_BYTES_MAX)).status_code == 202


def padded(size: int) -> bytes:
    """Return a message of exactly ``size`` bytes."""
    return message() + b" " * (size - len(message()))


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    """Yield the body in pieces, so that its length is not announced."""
    for at in range(0, len(body), 500):
        yield body[at : at + 500]


@pytest.mark.parametrize("send", [lambda body: body, in_chunks], ids=["announced", "in chunks"])
def test_a_body_above_the_limit_is_413_and_one_at_it_is_accepted(send: Callable[[bytes], Any]) -> None:
    """Guarantees the bound on memory, whether or not the client says how much is to come."""
    assert post(FakeBroker(), send(padded(BODY_BYTES_MAX))).status_code == 202
    broker = FakeBroker()
    answer = post(broker, send(padded(BODY_BYTES_MAX + 1)))

    assert (answer.status_code, answer.json()["error_code"]) == (413, "BODY_TOO_LARGE")
    assert broker.happened == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(refuses, "BROKER_UNAVAILABLE"), (lambda _: None, "BROKER_TIMEOUT")],
    ids=["not confirmed", "no word"],
)
def test_without_a_confirm_it_is_503(outcome: Callable[[Future[None]], object], code: str) -> None:
    """Guarantees that no 202 is given without a message, within the timeout, and that the client is told to repeat."""
    answer = post(FakeBroker(outcome), message())

    assert (answer.status_code, answer.json()["error_code"]) == (503, code)
    assert answer.headers["Retry-After"] == "1"


def test_a_message_nobody_waits_for_any_more_is_cancelled() -> None:
    """Guarantees that what timed out in the queue is not published later, when its client has repeated it."""
    waiting: list[Future[None]] = []
    post(FakeBroker(waiting.append), message())

    assert [future.cancelled() for future in waiting] == [True]


def test_without_the_database_nothing_is_published() -> None:
    """Guarantees that no message goes out whose event is not stored."""
    broker = FakeBroker()
    broker.database_is_down = True
    answer = post(broker, message())

    assert (answer.status_code, answer.json()["error_code"]) == (503, "DATABASE_UNAVAILABLE")
    assert broker.happened == []


def test_health_says_whether_the_broker_is_there() -> None:
    """Guarantees that a balancer can take an ingress without a broker out."""
    broker = FakeBroker()
    assert ask(broker, "GET", "/healthz").status_code == 200
    broker.is_connected = False
    assert ask(broker, "GET", "/healthz").status_code == 503
