"""A port: opened, shut by the mode ``refuse``, opened again under the same number. Used by ``serve`` and ``admin``.

It also closes idle kept connections when it shuts, since a process that has gone keeps none. It serves nothing itself.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from aiohttp import web

from fake_mem0.errors import PortError

if TYPE_CHECKING:
    from collections.abc import Container

    from aiohttp.web_runner import AppRunner

# A thousand clients may connect in one instant; the kernel cuts this down to net.core.somaxconn.
_BACKLOG = 4096
# The kernel grants twice this. It bounds what one wake-up reads off one connection: with the kernel's own limit, which
# is megabytes, each of a thousand uploads puts 256 KiB into this process before any is dropped.
_RECEIVE_BUFFER_BYTES = 32 * 1024


class Listener:
    """Listens on one port for a runner, or keeps it while nobody may connect."""

    def __init__(self, runner: AppRunner, host: str, port: int) -> None:
        """Bind ``port`` (0: any free one). Raises PortError when it can't be had."""
        self._runner = runner
        self._site: web.SockSite | None = None
        # Bound as long as the fake runs, and never listening: a connection to a port that is bound but not listened on
        # is refused, and the kernel gives the number to nobody else meanwhile.
        self._keeper = _bind(host, port)
        self._address = self._keeper.getsockname()

    @property
    def port(self) -> int:
        """The port's number."""
        return int(self._address[1])

    @property
    def is_open(self) -> bool:
        """True while connections are accepted."""
        return self._site is not None

    async def open(self) -> None:
        """Accept connections; a no-op when it does already. Raises PortError when another program listens there."""
        if self._site is not None:
            return
        listening = _bind(self._address[0], self.port)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        site = web.SockSite(self._runner, listening, backlog=_BACKLOG)
        try:
            await site.start()
        except OSError as error:
            await site.stop()
            listening.close()
            raise _no_port(self._address[0], self.port, error) from error
        self._site = site

    async def shut(self, busy: Container[object]) -> None:
        """Refuse connections, and close those whose transport is not in ``busy``. A no-op when shut already."""
        if self._site is None:
            return
        site, self._site = self._site, None
        await site.stop()
        self._close_connections(busy)

    async def close(self) -> None:
        """Stop listening, close every connection and give the port's number back."""
        await self.shut(frozenset())
        self._close_connections(frozenset())
        self._keeper.close()

    def _close_connections(self, busy: Container[object]) -> None:
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None and connection.transport not in busy:
                connection.transport.close()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise PortError(
            f"host {host!r} can't be resolved ({error}); give an address of this machine, such as 127.0.0.1"
        ) from error
    bound = socket.socket(family, kind, protocol)
    try:
        # Lets the listening socket bind beside the keeper, and over connections of an earlier process in TIME_WAIT; it
        # does not let two listen.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _no_port(host, port, error) from error
    bound.setblocking(False)
    return bound


def _no_port(host: str, port: int, error: OSError) -> PortError:
    return PortError(
        f"port {port} of {host} can't be had ({error.strerror}); end the program that holds it, or give 0 for any"
    )
