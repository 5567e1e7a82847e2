"""The data plane: the HTTP API of the dependency. One request from its headers to its journal line.

``serve`` runs it. The rules choose the mode that meets a request; every arrival and end goes to ``calls``. The admin
API is another application on another port (``admin``).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from fake_mem0.body import MessageIdFinder, read_body
from fake_mem0.calls import Attempts
from fake_mem0.endpoints import ANY, Endpoint, Place, unknown
from fake_mem0.errors import ReleasedError
from fake_mem0.exchange import Ending, Exchange
from fake_mem0.journal import Outcome
from fake_mem0.modes import name_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fake_mem0.calls import Calls
    from fake_mem0.rules import RulesInForce

_GONE = Ending(None, Outcome.CLIENT_GONE)
_ANY_ROUTE = "/{path:.*}"
_NO_ENDPOINT = "no_endpoint"  # the mode of a request for a path that is not served


class DataPlane:
    """Serves the endpoints under the rules in force."""

    def __init__(self, endpoints: Sequence[Endpoint], rules: RulesInForce, calls: Calls) -> None:
        self._endpoints = endpoints
        self._rules = rules
        self._calls = calls
        self._attempts = Attempts()

    def application(self) -> web.Application:
        """Return the application: every endpoint, a 404 for what is none, and ``GET /healthz``.

        ``/healthz`` is neither journalled nor met by a rule.
        """
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        for endpoint in sorted(self._endpoints, key=lambda endpoint: endpoint.path == ANY):  # any path comes last
            path = _ANY_ROUTE if endpoint.path == ANY else endpoint.path
            app.router.add_route(endpoint.method, path, partial(self._handle, endpoint, self._meet))
        if not any(endpoint.path == ANY for endpoint in self._endpoints):
            app.router.add_route("*", _ANY_ROUTE, self._handle_unknown)
        return app

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _handle_unknown(self, request: web.Request) -> web.StreamResponse:
        return await self._handle(unknown(request.path), self._meet_unknown, request)

    async def _handle(
        self,
        endpoint: Endpoint,
        meet: Callable[[Exchange, web.Request], Awaitable[Ending]],
        request: web.Request,
    ) -> web.StreamResponse:
        exchange = Exchange(request, endpoint, self._rules.seed)
        self._calls.arrived(exchange)
        ending = Ending(None, Outcome.ERROR)
        try:
            ending = await meet(exchange, request)
        except asyncio.CancelledError:
            # The connection is closed: by the client, or by a release that cut an answer short.
            ending = Ending(None, Outcome.RELEASED) if exchange.released is not None else _GONE
            raise
        except (ConnectionError, web.RequestPayloadError):
            ending = _GONE  # while it was read from or written to; aiohttp closes what is left of the connection
        finally:
            self._calls.ended(exchange, ending)
        return exchange.response

    async def _meet(self, exchange: Exchange, request: web.Request) -> Ending:
        # The body is read to its end before anything is decided: a hung request then costs no more than its connection.
        await self._read(exchange, request)
        mode = self._rules.choose(exchange.endpoint.path, exchange.message_id, exchange.attempt)
        self._calls.met(exchange, name_of(mode), answers_well=mode.answers_well)
        try:
            return await mode.meet(exchange)
        except ReleasedError:
            return await exchange.end_released()

    async def _meet_unknown(self, exchange: Exchange, request: web.Request) -> Ending:
        await self._read(exchange, request)
        self._calls.met(exchange, _NO_ENDPOINT, answers_well=False)
        return await exchange.send(404, b'{"detail": "the fake serves no such path by this method"}')

    async def _read(self, exchange: Exchange, request: web.Request) -> None:
        """Read the body to its end, and find the message id where the endpoint has it."""
        endpoint = exchange.endpoint
        finder = MessageIdFinder(endpoint.id_name) if endpoint.id_place is Place.JSON else None
        exchange.message_id = await read_body(
            request.content.iter_any(), lambda count: self._calls.read(exchange, count), finder
        )
        if endpoint.id_place is Place.HEADER:
            exchange.message_id = request.headers.get(endpoint.id_name)
        elif endpoint.id_place is Place.PATH:
            exchange.message_id = request.match_info.get(endpoint.id_name)
        exchange.attempt = self._attempts.next(endpoint.path, exchange.message_id)
