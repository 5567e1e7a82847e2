"""The admin API: sets the rules, shows the counts, releases hung requests.

On a port of its own, so that no data-plane fault reaches it.
``serve`` runs it; ``remote`` (the command line) and the harness call it. It decides nothing about a request.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psutil
from aiohttp import web

from fake_mem0 import rules_document
from fake_mem0.errors import BadSettingError, PortError
from fake_mem0.exchange import Release
from fake_mem0.settings import bad

if TYPE_CHECKING:
    from fake_mem0.calls import Calls
    from fake_mem0.listener import Listener
    from fake_mem0.rules import RulesInForce


class Admin:
    """The admin API over the parts that it steers."""

    def __init__(self, rules: RulesInForce, calls: Calls, listener: Listener) -> None:
        self._rules = rules
        self._calls = calls
        self._listener = listener
        self._process = psutil.Process()
        self._putting = asyncio.Lock()  # one change of the port at a time, in the order of the requests

    def application(self) -> web.Application:
        """Return the application: ``/modes``, ``/stats``, ``/release``."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/modes", self._get_modes),
                web.put("/modes", self._put_modes),
                web.get("/stats", self._stats),
                web.post("/release", self._release),
            ]
        )
        return app

    async def _get_modes(self, _: web.Request) -> web.Response:
        documents = [rules_document.document(rule_set) for rule_set in self._rules.rule_sets]
        return web.json_response({"seed": self._rules.seed, "rule_sets": documents})

    async def _put_modes(self, request: web.Request) -> web.Response:
        try:
            rule_set = rules_document.parse(await request.json(), self._rules.defaults)
        except BadSettingError as error:
            return web.json_response({"error": str(error)}, status=400)
        except ValueError as error:  # no JSON, or no UTF-8
            return web.json_response({"error": f"the body is no JSON: {error}"}, status=400)
        async with self._putting:
            self._rules.put(rule_set)
            try:
                await self._turn_port()
            except PortError as error:
                return web.json_response({"error": str(error)}, status=500)
        return web.json_response(rules_document.document(rule_set))

    async def _turn_port(self) -> None:
        if self._rules.shuts_port:
            await self._listener.shut(self._calls.busy_transports())
        else:
            await self._listener.open()

    async def _stats(self, _: web.Request) -> web.Response:
        # The kernel's figures are read here, so a call costs some system calls; ten a second are no load.
        rss_bytes = self._process.memory_info().rss
        return web.json_response({**self._calls.counts(), "rss_bytes": rss_bytes, "port_open": self._listener.is_open})

    async def _release(self, request: web.Request) -> web.Response:
        how = request.query.get("how", Release.RESET)
        if how not in {*Release}:
            return web.json_response({"error": str(bad("how", how, ", ".join(Release)))}, status=400)
        return web.json_response({"released": self._calls.release(Release(how))})
