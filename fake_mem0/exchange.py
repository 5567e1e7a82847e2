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

from aiohttp import web

from fake_mem0 import answers, draws
from fake_mem0.errors import ReleasedError
from fake_mem0.journal import JournalLine, Outcome

_UNREAD = "unread"
_JSON = "application/json"
_LINGER_OFF = struct.pack("ii", 1, 0)  # on, 0 s: close() sends an RST instead of a FIN


@dataclass(frozen=True, slots=True)
class Ending:
    """What a mode made of a request. ``status`` is None where no answer was completed."""

    status: int | None
    outcome: Outcome


class Exchange:
    """One request. Modes call the coroutines; ``app`` and ``book`` keep the attributes.

    Every coroutine raises ``ConnectionError`` or ``asyncio.CancelledError`` when the client has gone; modes let them
    pass.
    """

    def __init__(self, request: web.Request, seed: int) -> None:
        self.arrived_mono_s = time.monotonic()
        self.path = request.path
        self.conversation_id: str | None = None
        self.attempt = 0
        self.mode = _UNREAD
        self.bytes_in = 0
        self.hung = False  # withheld on purpose from now to its end
        self.released = False
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
        return draws.draw(draws.LATENCY, self._seed, self.conversation_id, self.attempt)

    def valid_answer(self) -> bytes:
        """Return the answer that pika-mem0 would give."""
        return answers.answer_body(self.path, self.conversation_id)

    def valid_frame(self) -> tuple[bytes, bytes]:
        """Return the head and the tail of a valid answer whose one long text the mode writes itself."""
        return answers.answer_frame(self.path, self.conversation_id)

    async def hang(self, seconds: float | None) -> None:
        """Withhold the answer for that real time, or for ever (None). Raises ReleasedError at ``POST /release``."""
        self.hung = True
        if not self.released:
            self._release = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._release}, timeout=seconds)
        if self.released:
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
            raise ConnectionResetError(f"the client of {self.path} has gone")
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

    def let_go(self) -> None:
        """Release a hung request: one that has not begun its answer goes on with ReleasedError, any other is cut."""
        self.released = True
        if self._began:
            self.reset()
        elif self._release is not None and not self._release.done():
            self._release.set_result(None)

    async def answer_released(self) -> Ending:
        """Answer a released request: 503, or a cut where the answer had begun."""
        if self._began:
            return self.reset(Outcome.RELEASED)
        await self.send(503, b'{"detail": "let go by POST /release"}')
        return Ending(503, Outcome.RELEASED)

    def journal_line(self, ending: Ending) -> JournalLine:
        """Return what the journal says of this request, ending now."""
        return JournalLine(
            arrived_mono_s=self.arrived_mono_s,
            path=self.path,
            conversation_id=self.conversation_id,
            attempt=self.attempt,
            mode=self.mode,
            status=ending.status,
            duration_s=time.monotonic() - self.arrived_mono_s,
            bytes_in=self.bytes_in,
            outcome=ending.outcome,
        )

    async def _start(self, response: web.StreamResponse) -> None:
        self._response = response
        self._began = True
        await response.prepare(self._request)
