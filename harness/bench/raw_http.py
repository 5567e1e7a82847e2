"""A lean HTTP client on bare asyncio sockets: posts large bodies over kept connections, and can leave them hanging.

Used by the benchmark ``dependency``, which must measure the server and not its client: nothing is copied, parsed or
pooled here that need not be. It speaks just enough HTTP/1.1 for that server, and retries nothing.
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.environment.ports import LOOPBACK
from harness.errors import PartFailedError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

_ANSWER_BYTES_MAX = 65_536  # an answer is a few facts; more is another server
_READ_BYTES = 16_384
_ALL_TIMEOUT_S = 90.0  # for 3 GB at a fifth of the slowest rate seen; a server that stops reading must not stop us
_OK = 200


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, and what: all requests have the same body but for the message id."""

    port: int
    path: str
    text_bytes: int
    id_key: str

    def head(self, message_id: str) -> bytes:
        """Return the request up to the long text."""
        opening = f'{{"{self.id_key}": "{message_id}", "user_id": "bench", "text": "'
        length = len(opening) + self.text_bytes + len(_TAIL)
        return (
            f"POST {self.path} HTTP/1.1\r\nHost: {LOOPBACK}:{self.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{opening}"
        ).encode("ascii")

    def rest(self) -> bytes:
        """Return the request from the long text on: the same for all."""
        return b"x" * self.text_bytes + _TAIL


_TAIL = b'", "payload": {}}'


class Connection:
    """One connection. Its verbs raise OSError where the server hangs up."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def open(self, port: int) -> None:
        """Connect."""
        await asyncio.get_running_loop().sock_connect(self._socket, (LOOPBACK, port))

    async def send(self, head: bytes, rest: bytes) -> None:
        """Send one whole request; whether an answer comes is another matter."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, head)
        await loop.sock_sendall(self._socket, rest)

    async def status(self) -> int:
        """Read one whole answer and return its status."""
        loop = asyncio.get_running_loop()
        answer = b""
        while (end := _end_of_answer(answer)) is None or len(answer) < end:
            received = await loop.sock_recv(self._socket, _READ_BYTES)
            if not received or len(answer) > _ANSWER_BYTES_MAX:
                raise ConnectionResetError(f"no whole answer came, but {answer[:80]!r}")
            answer += received
        return int(answer.split(b" ", 2)[1])

    def close(self) -> None:
        """Close it, whatever its state."""
        self._socket.close()


async def post_all_s(target: Target, requests: int, connections: int) -> float:
    """Post ``requests`` over so many connections and return the seconds from the first byte to the last answer.

    Raises PartFailedError when an answer is not 200, or does not come.
    """
    rest = target.rest()
    numbers = iter(range(requests))  # shared: a connection takes the next as soon as it is free

    async def keep_posting(connection: Connection) -> None:
        for number in numbers:
            await connection.send(target.head(f"bench-{number:06d}"), rest)
            status = await connection.status()
            if status != _OK:
                raise PartFailedError(f"the dependency answered HTTP {status} where it was to answer at once")

    opened = [Connection() for _ in range(connections)]
    try:
        await _together(connection.open(target.port) for connection in opened)
        began_mono_s = time.monotonic()
        await _together(keep_posting(connection) for connection in opened)
        return time.monotonic() - began_mono_s
    except OSError as error:  # TimeoutError is one
        raise PartFailedError(f"the dependency broke off while it was posted to: {error!r}") from error
    finally:
        for connection in opened:
            connection.close()


class Hanging:
    """A context manager: within it, so many whole requests have been sent, each on its own connection."""

    def __init__(self, target: Target, requests: int, senders: int) -> None:
        self._target = target
        self._requests = requests
        self._senders = senders
        self._opened: list[Connection] = []

    async def __aenter__(self) -> None:
        """Send them, ``senders`` at a time. Raises PartFailedError."""
        rest = self._target.rest()
        numbers = iter(range(self._requests))

        async def keep_sending() -> None:
            for number in numbers:
                connection = Connection()
                self._opened.append(connection)
                await connection.open(self._target.port)
                await connection.send(self._target.head(f"hung-{number:06d}"), rest)

        try:
            await _together(keep_sending() for _ in range(self._senders))
        except OSError as error:
            self._close()
            raise PartFailedError(f"the dependency broke off at request {len(self._opened)}: {error!r}") from error

    async def __aexit__(self, *_exit: object) -> None:
        """Hang up."""
        self._close()

    def _close(self) -> None:
        for connection in self._opened:
            connection.close()


async def _together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of ``works`` at once; the first error, or the limit's TimeoutError, ends the others too."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        async with asyncio.timeout(_ALL_TIMEOUT_S):
            await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _end_of_answer(answer: bytes) -> int | None:
    """Return the length of the whole answer, once its headers are there. Raises ConnectionResetError without one."""
    head, blank, _ = answer.partition(b"\r\n\r\n")
    if not blank:
        return None
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return len(head) + len(blank) + int(value)
    raise ConnectionResetError(f"an answer of no announced length: {head[:80]!r}")
