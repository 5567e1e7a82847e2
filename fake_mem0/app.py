"""The data plane: pika-mem0's HTTP API. One request from its headers to its journal line.

``serve`` runs it; it asks ``board`` for the mode and tells ``book`` what happens. The admin API is another application
on another port (``admin``).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from fake_mem0.answers import PATHS
from fake_mem0.attempts import Attempts
from fake_mem0.body import read_body
from fake_mem0.errors import ReleasedError
from fake_mem0.exchange import Ending, Exchange
from fake_mem0.journal import Outcome
from fake_mem0.modes import name_of

if TYPE_CHECKING:
    from fake_mem0.board import Board
    from fake_mem0.book import Book

_GONE = Ending(None, Outcome.CLIENT_GONE)


class DataPlane:
    """Serves the paths of the API under the rules of ``board``."""

    def __init__(self, board: Board, book: Book) -> None:
        self._board = board
        self._book = book
        self._attempts = Attempts()

    def application(self) -> web.Application:
        """Return the application: every path by POST, and ``GET /healthz``, which is neither journalled nor spoilt."""
        app = web.Application()
        app.add_routes([web.post(path, self._handle) for path in PATHS])
        app.router.add_get("/healthz", self._healthz)
        return app

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        exchange = Exchange(request, self._board.seed)
        self._book.arrived(exchange)
        ending = Ending(None, Outcome.ERROR)
        try:
            ending = await self._meet(exchange, request)
        except asyncio.CancelledError:
            # The connection is closed: by the client, or by a release that cut an answer short.
            ending = Ending(None, Outcome.RELEASED) if exchange.released else _GONE
            raise
        except (ConnectionError, web.RequestPayloadError):
            ending = _GONE  # while it was read from or written to; aiohttp closes what is left of the connection
        finally:
            self._book.ended(exchange, ending)
        return exchange.response

    async def _meet(self, exchange: Exchange, request: web.Request) -> Ending:
        # The body is read to its end before anything is decided: a hung request then costs no more than its connection.
        exchange.conversation_id = await read_body(
            request.content.iter_any(), lambda count: self._book.read(exchange, count)
        )
        exchange.attempt = self._attempts.next(exchange.path, exchange.conversation_id)
        mode = self._board.choose(exchange.path, exchange.conversation_id, exchange.attempt)
        self._book.met(exchange, name_of(mode))
        try:
            return await mode.meet(exchange)
        except ReleasedError:
            return await exchange.answer_released()
