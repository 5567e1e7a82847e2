"""The mode ``status``: a dependency that says no at once."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class Status:
    """Answers an error status at once, with Retry-After where one is set."""

    status: int = settings.whole(503, "the HTTP status", unit="", least=400, most=599)
    retry_after_s: float | None = settings.seconds(None, "the Retry-After header, rounded up; null sends none")

    async def meet(self, exchange: Exchange) -> Ending:
        """Answer the error."""
        # HTTP knows whole seconds only, and a wait of incident time divided by the scale is seldom whole.
        headers = {} if self.retry_after_s is None else {"Retry-After": str(math.ceil(self.retry_after_s))}
        body = json.dumps({"detail": f"fake_mem0 answers {self.status}"}).encode()
        return await exchange.send(self.status, body, headers)
