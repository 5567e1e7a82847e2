"""The mode ``answer``: pika-mem0 as it should be, in its own time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings
from fake_mem0.latency import SETTING, Latency, ProfileLatency

if TYPE_CHECKING:
    from fake_mem0.exchange import Ending, Exchange


@dataclass(frozen=True, slots=True)
class Answer:
    """Answers 200 with a valid body, after a latency of its own."""

    latency: Latency = settings.declare(ProfileLatency(), SETTING)  # noqa: RUF009 - a dataclass field

    async def meet(self, exchange: Exchange) -> Ending:
        """Wait the drawn latency, then answer."""
        await asyncio.sleep(self.latency.seconds_at(exchange.latency_draw()))
        return await exchange.send(200, exchange.valid_answer())
