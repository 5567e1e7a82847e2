"""The mode ``hang_forever``: a connection that stays open and silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class HangForever:
    """Never answers; ends when the client leaves, at POST /release, or with the fake."""

    async def meet(self, exchange: Exchange) -> Ending:
        """Hang."""
        while True:  # hang() itself ends it, by an exception
            await exchange.hang(None)
