"""The mode ``hang_then_500``: what pika-mem0 did at 11:27:08 and 11:43:16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class HangThen500:
    """Hangs, then answers 500 with an empty body: the failure of the incident."""

    seconds: float = settings.seconds(60.0, "real time it hangs; the incident's 60 s")

    async def meet(self, exchange: Exchange) -> Ending:
        """Hang, then answer."""
        await exchange.hang(self.seconds)
        return await exchange.send(500, b"")
