"""The mode ``truncated_json``: a complete HTTP answer whose JSON stops in the middle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class TruncatedJson:
    """Answers 200 with the first bytes of a valid body, and says that they are all."""

    after_bytes: int = settings.whole(40, "bytes of the body, of about 300", unit="bytes", least=1, most=200)

    async def meet(self, exchange: Exchange) -> Ending:
        """Answer the beginning as if it were the whole."""
        return await exchange.send(200, exchange.valid_answer()[: self.after_bytes])
