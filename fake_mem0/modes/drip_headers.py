"""The mode ``drip_headers``: the head comes a few bytes at a time, so that no per-read timeout is ever reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings
from fake_mem0.exchange import Ending
from fake_mem0.journal import Outcome

if TYPE_CHECKING:
    from fake_mem0.exchange import Exchange


@dataclass(frozen=True, slots=True)
class DripHeaders:
    """Sends the head of a valid answer (about 110 bytes) drop by drop, then its body at once."""

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
