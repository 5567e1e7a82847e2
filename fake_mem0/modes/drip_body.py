"""The mode ``drip_body``: the body comes a few bytes at a time, so that no per-read timeout is ever reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class DripBody:
    """Sends the headers at once and the valid body (about 300 bytes) drop by drop."""

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
