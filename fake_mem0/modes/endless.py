"""The mode ``endless``: a body that never ends, as far as its client can know."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings
from fake_mem0.journal import Outcome

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class Endless:
    """Sends a body without an end; at its cap of time or bytes the connection is cut (RST)."""

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
