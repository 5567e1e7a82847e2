"""Modes that keep the client waiting: a hang, a hang that ends in a 500, drips, and a body without an end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fake_mem0 import settings
from fake_mem0.exchange import Ending
from fake_mem0.journal import Outcome

if TYPE_CHECKING:
    from fake_mem0.exchange import Exchange


@dataclass(frozen=True, slots=True)
class HangThen500:
    """Hangs, then answers 500 with an empty body: the failure of the incident."""

    answers_well: ClassVar[bool] = False
    seconds: float = settings.seconds(60.0, "real time it hangs; the incident's 60 s")

    async def meet(self, exchange: Exchange) -> Ending:
        """Hang, then answer."""
        await exchange.hang(self.seconds)
        return await exchange.send(500, b"")


@dataclass(frozen=True, slots=True)
class HangForever:
    """Never answers; ends when the client leaves, at POST /release, or with the fake."""

    answers_well: ClassVar[bool] = False

    async def meet(self, exchange: Exchange) -> Ending:
        """Hang."""
        while True:  # hang() itself ends it, by an exception
            await exchange.hang(None)


@dataclass(frozen=True, slots=True)
class DripHeaders:
    """Sends the head of a valid answer (about 110 bytes) drop by drop, then its body at once."""

    answers_well: ClassVar[bool] = True
    bytes_per_interval: int = settings.whole(1, "size of one drop", unit="bytes", least=1, most=65_536)
    interval_s: float = settings.seconds(1.0, "real time between two drops", least=0.001)

    async def meet(self, exchange: Exchange) -> Ending:
        """Drip the head, send the body, close."""
        body = exchange.valid_answer()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nServer: fake_mem0\r\nConnection: close\r\n\r\n"
        ).encode()
        for start in range(0, len(head), self.bytes_per_interval):
            exchange.write_raw(head[start : start + self.bytes_per_interval])
            await exchange.hang(self.interval_s)
        exchange.write_raw(body)
        exchange.close()
        return Ending(200, Outcome.ANSWERED)


@dataclass(frozen=True, slots=True)
class DripBody:
    """Sends the headers at once and the valid body (about 300 bytes) drop by drop."""

    answers_well: ClassVar[bool] = True
    bytes_per_interval: int = settings.whole(1, "size of one drop", unit="bytes", least=1, most=65_536)
    interval_s: float = settings.seconds(1.0, "real time between two drops", least=0.001)

    async def meet(self, exchange: Exchange) -> Ending:
        """Drip the body."""
        body = exchange.valid_answer()
        await exchange.begin(len(body))
        for start in range(0, len(body), self.bytes_per_interval):
            await exchange.hang(self.interval_s)
            await exchange.write(body[start : start + self.bytes_per_interval])
        return await exchange.finish()


@dataclass(frozen=True, slots=True)
class Endless:
    """Sends a body without an end; at its cap of time or bytes the connection is cut (RST)."""

    answers_well: ClassVar[bool] = False
    bytes_per_interval: int = settings.whole(65_536, "size of one piece", unit="bytes", least=1, most=2**20)
    interval_s: float = settings.seconds(0.1, "real time between two pieces", least=0.001)
    cap_s: float = settings.seconds(600.0, "real time after which it is cut", least=0.01)
    cap_bytes: int = settings.whole(10**9, "bytes after which it is cut", unit="bytes", least=1, most=10**11)

    async def meet(self, exchange: Exchange) -> Ending:
        """Send, until a cap or the client ends it."""
        try:
            async with asyncio.timeout(self.cap_s):
                await self._send(exchange)
        except TimeoutError:
            pass  # the cap, also over a client that has stopped reading
        return exchange.reset(Outcome.CAPPED)

    async def _send(self, exchange: Exchange) -> None:
        head, _ = exchange.valid_frame()
        await exchange.begin(None)
        await exchange.write(head)
        piece = b"x" * self.bytes_per_interval
        for left in range(self.cap_bytes, 0, -self.bytes_per_interval):
            await exchange.write(piece[:left])
            await exchange.hang(self.interval_s)
