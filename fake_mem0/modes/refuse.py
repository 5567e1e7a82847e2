"""The mode ``refuse``: the port is shut, as if the process had gone. ``listener`` shuts it; here is what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class Refuse:
    """Shuts the port for every path: new connections are refused, idle ones closed, until new rules lift it."""

    async def meet(self, exchange: Exchange) -> Ending:
        """Cut a request that came over a connection made before the port was shut."""
        return exchange.reset()
