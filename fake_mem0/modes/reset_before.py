"""The mode ``reset_before``: the connection is cut in place of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class ResetBefore:
    """Cuts the connection (RST) before a byte of an answer."""

    async def meet(self, exchange: Exchange) -> Ending:
        """Cut."""
        return exchange.reset()
