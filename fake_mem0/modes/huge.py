"""The mode ``huge``: a valid answer far larger than any client expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange

_PIECE = b"x" * 65_536


@dataclass(frozen=True, slots=True)
class Huge:
    """Answers 200 with a valid body of 100 MB, streamed as fast as the client reads."""

    size_bytes: int = settings.whole(100_000_000, "size of the whole body", unit="bytes", least=1_000, most=10**10)

    async def meet(self, exchange: Exchange) -> Ending:
        """Stream one long text between the head and the tail of a valid answer."""
        head, tail = exchange.valid_frame()
        await exchange.begin(self.size_bytes)
        await exchange.write(head)
        for left in range(self.size_bytes - len(head) - len(tail), 0, -len(_PIECE)):
            await exchange.write(_PIECE[:left])
        await exchange.write(tail)
        return await exchange.finish()
