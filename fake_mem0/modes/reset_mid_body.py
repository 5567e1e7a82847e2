"""The mode ``reset_mid_body``: the connection is cut inside the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class ResetMidBody:
    """Announces a whole answer, sends its beginning, and cuts the connection (RST)."""

    after_bytes: int = settings.whole(
        40, "bytes of the body sent before the cut, of about 300", unit="bytes", least=1, most=200
    )

    async def meet(self, exchange: Exchange) -> Ending:
        """Send the beginning, then cut."""
        body = exchange.valid_answer()
        await exchange.begin(len(body))
        await exchange.write(body[: self.after_bytes])
        return exchange.reset()
