"""One request and its answer, as a mode sees it: what is known of the request, and what may be done to the client.

``app`` makes one for each request and hands it to the mode that the rules chose. An exchange chooses nothing, and keeps
no byte of the body.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aiohttp import web

from fake_mem0 import draws
from fake_mem0.errors import ReleasedError
from fake_mem0.journal import JournalLine, Outcome

if TYPE_CHECKING:
    from fake_mem0.endpoints import Endpoint

_UNREAD = "unread"
_JSON = "application/json"
_LINGER_OFF = struct.pack("ii", 1, 0)  # on, 0 s: close() sends an RST instead of a FIN


@dataclass(frozen=True, slots=True)
class Ending:
    """What a mode made of a request. ``status`` is None where no answer was completed."""

    status: int | None
    outcome: Outcome


_WELL_ANSWERED = Ending(200, Outcome.ANSWERED)


class Release(StrEnum):
    """What becomes of a request that hangs."""

    RESET = "reset"
    ANSWER = "answer"


class Exchange:
    """One request. Modes call the coroutines; ``app`` and ``calls`` keep the attributes.

    Every coroutine raises ``ConnectionError`` or ``asyncio.CancelledError`` when the client has gone; modes let them
    pass.
    """

    def __init__(self, request: web.Request, endpoint: Endpoint, seed: int) -> None:
        self.arrived_mono_s = time.monotonic()
        self.endpoint = endpoint
        self.message_id: str | None = None
        self.attempt = 0
        self.mode = _UNREAD
        self.bytes_in = 0
        self.answers_well = False  # the whole of this request's answer is a good one
        self.hung = False  # withheld on purpose from now to its end
        self.released: Release | None = None
        self._seed = seed
        self._request = request
        self._response: web.StreamResponse = web.Response()
        self._began = False  # a byte of the answer was sent
        self._release: asyncio.Future[None] | None = None

    @property
    def response(self) -> web.StreamResponse:
        """What the handler must return to aiohttp, which finds it sent already, or its connection closed."""
        return self._response

    @property
    def transport(self) -> asyncio.Transport | None:
        """The client's connection; None once it is closed."""
        return self._request.transport

    def latency_draw(self) -> float:
        """Return this request's own number in [0, 1) for its latency."""
        return draws.draw(draws.LATENCY, self._seed, self.message_id, self.attempt)

    def valid_answer(self) -> bytes:
        """Return the good answer of the endpoint."""
        return self.endpoint.answer_body(self.message_id)

    def valid_frame(self) -> tuple[bytes, bytes]:
        """Return the head and the tail of a valid answer whose one long text the mode writes itself."""
        return self.endpoint.answer_frame(self.message_id)

    async def hang(self, seconds: float | None) -> None:
        """Withhold the answer for that real time, or for ever (None). Raises ReleasedError at ``POST /release``."""
        self.hung = True
        if self.released is None:
            self._release = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._release}, timeout=seconds)
        if self.released is not None:
            raise ReleasedError

    async def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> Ending:
        """Send a whole answer, as JSON unless ``headers`` say otherwise."""
        named = {"Content-Type": _JSON, **(headers or {})} if body else headers
        await self._start(web.Response(status=status, body=body, headers=named))
        return await self.finish()

    async def begin(self, length_bytes: int | None) -> None:
        """Begin a 200 whose body follows by ``write``: so many bytes, or chunks of no announced length (None)."""
        response = web.StreamResponse(headers={"Content-Type": _JSON})
        response.content_length = length_bytes
        await self._start(response)

    async def write(self, data: bytes) -> None:
        """Write a piece of the body; waits while the client reads slowly."""
        await self._response.write(data)

    async def finish(self) -> Ending:
        """End the body."""
        await self._response.write_eof()
        return Ending(self._response.status, Outcome.ANSWERED)

    def write_raw(self, data: bytes) -> None:
        """Write bytes below HTTP, status line and headers included. Raises ConnectionError on a closed connection."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError(f"the client of {self.endpoint.path} has gone")
        self._began = True
        transport.write(data)

    def close(self) -> None:
        """End the connection in good order (FIN) once all was sent: the end of an answer written raw."""
        if self.transport is not None:
            self.transport.close()

    def reset(self, outcome: Outcome = Outcome.RESET) -> Ending:
        """Cut the connection at once with an RST; what was not yet sent is dropped."""
        transport = self.transport
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
            transport.abort()
        return Ending(None, outcome)

    def release(self, how: Release) -> None:
        """Release a hung request: cut it, or have its answer sent now. One that has begun its answer is cut."""
        self.released = how
        if self._began:
            self.reset()
        elif self._release is not None and not self._release.done():
            self._release.set_result(None)

    async def end_released(self) -> Ending:
        """End a released request: with the good answer where it was released so, else by an RST."""
        if self._began or self.released is not Release.ANSWER:
            return self.reset(Outcome.RELEASED)
        self.answers_well = True
        return await self.send(200, self.valid_answer())

    def journal_line(self, ending: Ending) -> JournalLine:
        """Return what the journal says of this request, ending now."""
        return JournalLine(
            arrived_mono_s=self.arrived_mono_s,
            path=self.endpoint.path,
            message_id=self.message_id,
            attempt=self.attempt,
            mode=self.mode,
            status=ending.status,
            duration_s=time.monotonic() - self.arrived_mono_s,
            bytes_in=self.bytes_in,
            outcome=ending.outcome,
            good=self.answers_well and ending == _WELL_ANSWERED,
            primary=self.endpoint.primary,
        )

    async def _start(self, response: web.StreamResponse) -> None:
        self._response = response
        self._began = True
        await response.prepare(self._request)
