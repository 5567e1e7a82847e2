"""Remedy: what the timeout of a call bounds, each socket operation or the whole call.

Hole 6: an httpx timeout starts anew at each read and each write, so a server that drips one byte a minute is never
cut off by ``timeout=60``. The hardened poster gives every connect, write and read the time that is left until one
deadline. It does not bound the name look-up: ``getaddrinfo`` has no timeout.
"""

from __future__ import annotations

import json
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import httpcore
import httpx

from worker_under_test.errors import MemoryApiResponseError, MemoryApiTimeoutError
from worker_under_test.remedies.behaviour import Behaviour, Remedy

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

REMEDY = Remedy(
    name="total_deadline",
    original="the timeout bounds each socket operation; the answer may be of any size",
    reported="as it was",
    hardened="the timeout bounds the whole call; the answer is bounded to 1 MiB",
    asked_for="not in the report (hole 6)",
)

# Facts about one conversation are a few kilobytes; an answer of a megabyte is a fault, and ten of them fit in memory.
_RESPONSE_BYTES_MAX = 2**20
_HTTP_OK = range(200, 300)


class HttpPoster(Protocol):
    """Sends one POST and returns the body of a 2xx answer."""

    def post(self, url: str, body: dict[str, Any] | Iterator[bytes], headers: dict[str, str]) -> bytes:
        """Send ``body``, as JSON when it is a dict, chunk by chunk when it is an iterator of JSON text.

        Raises:
            httpx.HTTPError, MemoryApiTimeoutError, MemoryApiResponseError: no answer, or not a 2xx one.
        """
        ...


def choose(behaviour: Behaviour, timeout_s: float) -> HttpPoster:
    """Return the poster of ``behaviour``."""
    return TotalDeadline(timeout_s) if behaviour is Behaviour.HARDENED else PerOperationTimeout(timeout_s)


class PerOperationTimeout:
    """Opens a client for each call, as the original did."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._ssl_context = httpx.create_ssl_context()

    def post(self, url: str, body: dict[str, Any] | Iterator[bytes], headers: dict[str, str]) -> bytes:
        """Send ``body``; each connect, read and write may take the whole timeout."""
        with httpx.Client(timeout=self._timeout_s, verify=self._ssl_context, trust_env=False) as client:
            if isinstance(body, dict):
                response = client.post(url, json=body, headers=headers)
            else:
                response = client.post(url, content=body, headers={"Content-Type": "application/json", **headers})
            response.raise_for_status()
            return response.content


class TotalDeadline:
    """Shares a pool of connections, and gives each call a deadline."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        # No connection is kept: a new one costs a millisecond of a call of seconds, a stale one costs a failed event.
        # Their number is not limited: a wait for httpcore's pool would ignore the deadline.
        self._pool = httpcore.ConnectionPool(
            max_connections=None, max_keepalive_connections=0, network_backend=_DeadlineBackend()
        )

    def post(self, url: str, body: dict[str, Any] | Iterator[bytes], headers: dict[str, str]) -> bytes:
        """Send ``body`` and read the answer, all of it before the deadline."""
        content = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, dict) else body
        deadline = _DEADLINE.set(time.monotonic() + self._timeout_s)
        try:
            with self._pool.stream(
                "POST", url, headers=[("Content-Type", "application/json"), *headers.items()], content=content
            ) as response:
                return _read_answer(response)
        except httpcore.TimeoutException as error:
            raise MemoryApiTimeoutError(f"no answer within {self._timeout_s:g} s ({type(error).__name__})") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise MemoryApiResponseError(f"the connection broke: {type(error).__name__}: {error}") from None
        finally:
            _DEADLINE.reset(deadline)


def _read_answer(response: httpcore.Response) -> bytes:
    if response.status not in _HTTP_OK:
        raise MemoryApiResponseError(f"HTTP {response.status}")
    answer = bytearray()
    for part in response.iter_stream():
        answer += part
        if len(answer) > _RESPONSE_BYTES_MAX:
            raise MemoryApiResponseError(f"the answer is larger than {_RESPONSE_BYTES_MAX} bytes")
    return bytes(answer)


# The deadline of the call that this thread is in, on the monotonic clock. httpcore does all of a call's work in the
# thread that makes it.
_DEADLINE: ContextVar[float] = ContextVar("deadline")


def _time_left_s(expired: type[httpcore.TimeoutException]) -> float:
    left_s = _DEADLINE.get() - time.monotonic()
    if left_s <= 0:
        raise expired
    return left_s


class _DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections that respect the deadline. httpcore's own timeouts are not used."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect with the time that is left."""
        left_s = _time_left_s(httpcore.ConnectTimeout)
        return _DeadlineStream(self._backend.connect_tcp(host, port, left_s, local_address, socket_options))


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose every operation gets the time that is left until the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - httpcore's signature
        """Read the available bytes."""
        return self._stream.read(max_bytes, _time_left_s(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - httpcore's signature
        """Send all of ``buffer``. httpcore's own loop would restart its timeout at each partial send."""
        socket = self._stream.get_extra_info("socket")
        unsent = memoryview(buffer)
        while unsent:
            socket.settimeout(_time_left_s(httpcore.WriteTimeout))
            try:
                unsent = unsent[socket.send(unsent) :]
            except TimeoutError:
                raise httpcore.WriteTimeout from None
            except OSError as error:
                raise httpcore.WriteError(str(error)) from None

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.NetworkStream:
        """Do the TLS handshake in the time that is left."""
        left_s = _time_left_s(httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left_s))

    def get_extra_info(self, info: str) -> Any:
        """Return the connection's information under the key ``info``."""
        return self._stream.get_extra_info(info)
