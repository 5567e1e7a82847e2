"""A link: a listener, its upstream address, its toxics, and the connections that go through it.

Made by ``control``, one for each of Toxiproxy's "proxies". Every verb returns when what it asks for is so for new and
for open connections.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from harness.environment.proxy.embedded.connection import CHUNK_BYTES, Connection

if TYPE_CHECKING:
    from harness.environment.proxy.toxics import Toxic

# The upstream server is on this machine, or a tunnel away.
_CONNECT_TIMEOUT_S = 10.0


class Link:
    """One listener and what goes through it."""

    def __init__(self, name: str, listen: str, upstream: str) -> None:
        self.name = name
        self.listen = listen  # host:port; the port is known once it has been up
        self.upstream = upstream
        self.toxics: dict[str, Toxic] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        # A toxic must not come between a connection's look at the toxics and its place among the connections.
        self._lock = asyncio.Lock()

    @property
    def enabled(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    async def enable(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        if self._server is None:
            host, port = split_address(self.listen)
            self._server = await asyncio.start_server(self._accept, host, port, limit=CHUNK_BYTES)
            self.listen = f"{host}:{self._server.sockets[0].getsockname()[1]}"

    async def disable(self) -> None:
        """Stop listening and close every connection at once."""
        if self._server is not None:
            self._server.close()
            self._server = None
        async with self._lock:
            for connection in tuple(self._connections):
                await connection.abort()
            self._connections.clear()

    async def put_toxic(self, toxic: Toxic) -> None:
        """Put a toxic in force, or exchange the one of that name."""
        async with self._lock:
            self.toxics[toxic.name] = toxic
            for connection in self._connections:
                await connection.directions[toxic.stream].put(toxic)

    async def remove_toxic(self, name: str) -> None:
        """Take a toxic out of force. Raises KeyError when there is none of that name."""
        async with self._lock:
            toxic = self.toxics.pop(name)
            for connection in self._connections:
                await connection.directions[toxic.stream].remove(name)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = split_address(self.upstream)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                upstream = await asyncio.open_connection(host, port, limit=CHUNK_BYTES)
        except (OSError, TimeoutError):
            writer.close()
            return
        connection = Connection((reader, writer), upstream)
        async with self._lock:
            if not self.enabled:
                await connection.abort()
                return
            self._connections.add(connection)
            await connection.start(self.toxics.values())
        with contextlib.suppress(asyncio.CancelledError):
            await connection.wait_closed()
        self._connections.discard(connection)


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of ``host:port``. Raises ValueError when it is not that."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise ValueError(f"{address!r} is no host:port")
    return host, int(port)
