"""Modes that break the connection: before an answer, inside one, and a port that is shut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fake_mem0 import settings

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class ResetBefore:
    """Cuts the connection (RST) before a byte of an answer."""

    answers_well: ClassVar[bool] = False

    async def meet(self, exchange: Exchange) -> Ending:
        """Cut."""
        return exchange.reset()


@dataclass(frozen=True, slots=True)
class ResetMidBody:
    """Announces a whole answer, sends its beginning, and cuts the connection (RST)."""

    answers_well: ClassVar[bool] = False
    after_bytes: int = settings.whole(
        40, "bytes of the body sent before the cut, of about 300", unit="bytes", least=1, most=200
    )

    async def meet(self, exchange: Exchange) -> Ending:
        """Send the beginning, then cut."""
        body = exchange.valid_answer()
        await exchange.begin(len(body))
        await exchange.write(body[: self.after_bytes])
        return exchange.reset()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Shuts the port for every path: new connections are refused, idle ones closed, until new rules lift it."""

    answers_well: ClassVar[bool] = False

    async def meet(self, exchange: Exchange) -> Ending:
        """Cut a request that came over a connection made before the port was shut."""
        return exchange.reset()
