"""Toxiproxy's HTTP API over our links: the same paths, bodies, status codes and error texts.

Served by ``__main__``. As in Toxiproxy, an attribute that a toxic does not have is overlooked and one left out is 0:
checking is the client's part (``harness.environment.proxy.toxics``), on both servers alike.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from harness.environment.proxy.embedded.effects import make_effect
from harness.environment.proxy.embedded.link import Link, split_address
from harness.environment.proxy.toxics import STREAMS, TOXICS, Toxic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Of this API, not of Toxiproxy's: whoever asks sees which server it is.
VERSION = "1.0"
_BAD_REQUEST, _NOT_FOUND, _CONFLICT, _INTERNAL = 400, 404, 409, 500
_NO_CONTENT, _CREATED = 204, 201


class ApiError(Exception):
    """What is answered instead of a result."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The API. Holds the links, by name."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def application(self) -> web.Application:
        """Return the application with Toxiproxy's routes."""
        application = web.Application(middlewares=[_errors_as_json])
        link, toxic = "/proxies/{link}", "/proxies/{link}/toxics/{toxic}"
        application.add_routes(
            [
                web.get("/version", self._version),
                web.post("/reset", self._reset),
                web.get("/proxies", self._list),
                web.post("/proxies", self._create),
                web.get(link, self._show),
                web.post(link, self._update),
                web.patch(link, self._update),
                web.delete(link, self._delete),
                web.get(f"{link}/toxics", self._list_toxics),
                web.post(f"{link}/toxics", self._add_toxic),
                web.get(toxic, self._show_toxic),
                web.post(toxic, self._update_toxic),
                web.patch(toxic, self._update_toxic),
                web.delete(toxic, self._remove_toxic),
            ]
        )
        application.on_shutdown.append(self._shut_down)
        return application

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": VERSION})

    async def _reset(self, _request: web.Request) -> web.Response:
        for link in self._links.values():
            await link.enable()
            for name in tuple(link.toxics):
                await link.remove_toxic(name)
        return web.Response(status=_NO_CONTENT)

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response({name: _link_json(link) for name, link in self._links.items()})

    async def _create(self, request: web.Request) -> web.Response:
        body = await _body(request)
        for name in ("name", "upstream"):
            if not body.get(name):
                raise ApiError(f"missing required field: {name}", _BAD_REQUEST)
        if body["name"] in self._links:
            raise ApiError("proxy already exists", _CONFLICT)
        link = Link(body["name"], body.get("listen") or "127.0.0.1:0", body["upstream"])
        _check_addresses(link)
        if body.get("enabled", True):
            await link.enable()
        self._links[link.name] = link
        return web.json_response(_link_json(link), status=_CREATED)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_link_json(self._link(request)))

    async def _update(self, request: web.Request) -> web.Response:
        link, body = self._link(request), await _body(request)
        listen, upstream = body.get("listen", link.listen), body.get("upstream", link.upstream)
        enabled = body.get("enabled", link.enabled)
        _check_addresses(Link(link.name, listen, upstream))
        if (listen, upstream) != (link.listen, link.upstream) or not enabled:
            await link.disable()
        link.listen, link.upstream = listen, upstream
        if enabled:
            await link.enable()
        return web.json_response(_link_json(link))

    async def _delete(self, request: web.Request) -> web.Response:
        link = self._link(request)
        del self._links[link.name]
        await link.disable()
        return web.Response(status=_NO_CONTENT)

    async def _list_toxics(self, request: web.Request) -> web.Response:
        return web.json_response([_toxic_json(toxic) for toxic in self._link(request).toxics.values()])

    async def _add_toxic(self, request: web.Request) -> web.Response:
        link, body = self._link(request), await _body(request)
        kind, stream = body.get("type", ""), body.get("stream") or "downstream"
        if stream not in STREAMS:
            raise ApiError("stream was invalid, can be either upstream or downstream", _BAD_REQUEST)
        if kind not in TOXICS:
            raise ApiError("invalid toxic type", _BAD_REQUEST)
        name = body.get("name") or f"{kind}_{stream}"
        if name in link.toxics:
            raise ApiError("toxic already exists", _CONFLICT)
        toxic = _toxic(name, kind, stream, body.get("toxicity", 1.0), body.get("attributes") or {})
        await link.put_toxic(toxic)
        return web.json_response(_toxic_json(toxic))

    async def _show_toxic(self, request: web.Request) -> web.Response:
        return web.json_response(_toxic_json(self._toxic(request)))

    async def _update_toxic(self, request: web.Request) -> web.Response:
        was, body = self._toxic(request), await _body(request)
        attributes = {**was.attributes, **(body.get("attributes") or {})}
        toxic = _toxic(was.name, was.type, was.stream, body.get("toxicity", was.toxicity), attributes)
        await self._link(request).put_toxic(toxic)
        return web.json_response(_toxic_json(toxic))

    async def _remove_toxic(self, request: web.Request) -> web.Response:
        await self._link(request).remove_toxic(self._toxic(request).name)
        return web.Response(status=_NO_CONTENT)

    async def _shut_down(self, _application: web.Application) -> None:
        for link in self._links.values():
            await link.disable()

    def _link(self, request: web.Request) -> Link:
        link = self._links.get(request.match_info["link"])
        if link is None:
            raise ApiError("proxy not found", _NOT_FOUND)
        return link

    def _toxic(self, request: web.Request) -> Toxic:
        toxic = self._link(request).toxics.get(request.match_info["toxic"])
        if toxic is None:
            raise ApiError("toxic not found", _NOT_FOUND)
        return toxic


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        message, status = str(error), error.status
    except ValueError as error:
        message, status = f"bad request body: {error}", _BAD_REQUEST
    except OSError as error:
        message, status = str(error), _INTERNAL  # the address is taken: Toxiproxy answers 500, too
    return web.json_response({"error": message, "status": status}, status=status)


async def _body(request: web.Request) -> dict[str, Any]:
    # toxiproxy-python names no content type on some calls: the text is parsed whatever it says.
    body = json.loads(await request.text())
    if not isinstance(body, dict):
        raise ApiError("bad request body: not an object", _BAD_REQUEST)
    return body


def _toxic(name: str, kind: str, stream: str, toxicity: float, attributes: dict[str, Any]) -> Toxic:
    known = {attribute: int(attributes.get(attribute, 0)) for attribute in TOXICS[kind].attributes}
    make_effect(kind, known)  # raises ValueError now rather than in a connection
    return Toxic(name, kind, stream, float(toxicity), known)


def _check_addresses(link: Link) -> None:
    split_address(link.listen)
    split_address(link.upstream)


def _toxic_json(toxic: Toxic) -> dict[str, Any]:
    return {
        "attributes": dict(toxic.attributes),
        "name": toxic.name,
        "type": toxic.type,
        "stream": toxic.stream,
        "toxicity": toxic.toxicity,
    }


def _link_json(link: Link) -> dict[str, Any]:
    return {
        "name": link.name,
        "listen": link.listen,
        "upstream": link.upstream,
        "enabled": link.enabled,
        "toxics": [_toxic_json(toxic) for toxic in link.toxics.values()],
    }
