"""The mode ``invalid_json``: a 200 that says it is JSON and is a gateway's error page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>upstream sent no answer</body></html>"


@dataclass(frozen=True, slots=True)
class InvalidJson:
    """Answers 200 with a body that is no JSON though its Content-Type says so."""

    async def meet(self, exchange: Exchange) -> Ending:
        """Answer the page."""
        return await exchange.send(200, _PAGE)
