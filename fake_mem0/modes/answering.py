"""Modes that answer, well or badly: a good answer, an error status, a huge body, bodies that are not what they say."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fake_mem0 import settings
from fake_mem0.latency import SETTING, Latency, ProfileLatency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fake_mem0.exchange import Ending, Exchange

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>upstream sent no answer</body></html>"
_PIECE = b"x" * 65_536
# The field that a client reads first (facts, choices) is there, with the wrong type, in "fields"; the other three are
# no objects at all.
_WRONG_BODIES: Mapping[str, bytes] = {
    "fields": b'{"conversation_id": 7, "facts": "none", "choices": {"0": null}}',
    "list": b"[]",
    "null": b"null",
    "string": b'"ok"',
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Answers 200 with a valid body, after a latency of its own."""

    answers_well: ClassVar[bool] = True
    latency: Latency = settings.declare(ProfileLatency(), SETTING)  # noqa: RUF009 - a dataclass field

    async def meet(self, exchange: Exchange) -> Ending:
        """Wait the drawn latency, then answer."""
        await asyncio.sleep(self.latency.seconds_at(exchange.latency_draw()))
        return await exchange.send(200, exchange.valid_answer())


@dataclass(frozen=True, slots=True)
class Status:
    """Answers an error status at once, with Retry-After where one is set."""

    answers_well: ClassVar[bool] = False
    status: int = settings.whole(503, "the HTTP status", unit="", least=400, most=599)
    retry_after_s: float | None = settings.seconds(None, "the Retry-After header, rounded up; null sends none")

    async def meet(self, exchange: Exchange) -> Ending:
        """Answer the error."""
        # HTTP knows whole seconds only, and a wait of incident time divided by the scale is seldom whole.
        headers = {} if self.retry_after_s is None else {"Retry-After": str(math.ceil(self.retry_after_s))}
        body = json.dumps({"detail": f"the fake answers {self.status}"}).encode()
        return await exchange.send(self.status, body, headers)


@dataclass(frozen=True, slots=True)
class Huge:
    """Answers 200 with a valid body of 100 MB, streamed as fast as the client reads."""

    answers_well: ClassVar[bool] = True
    size_bytes: int = settings.whole(100_000_000, "size of the whole body", unit="bytes", least=1_000, most=10**10)

    async def meet(self, exchange: Exchange) -> Ending:
        """Stream one long text between the head and the tail of a valid answer."""
        head, tail = exchange.valid_frame()
        await exchange.begin(self.size_bytes)
        await exchange.write(head)
        for left in range(self.size_bytes - len(head) - len(tail), 0, -len(_PIECE)):
            await exchange.write(_PIECE[:left])
        await exchange.write(tail)
        return await exchange.finish()


@dataclass(frozen=True, slots=True)
class InvalidJson:
    """Answers 200 with a body that is no JSON though its Content-Type says so."""

    answers_well: ClassVar[bool] = False

    async def meet(self, exchange: Exchange) -> Ending:
        """Answer a gateway's error page."""
        return await exchange.send(200, _PAGE)


@dataclass(frozen=True, slots=True)
class TruncatedJson:
    """Answers 200 with the first bytes of a valid body, and says that they are all."""

    answers_well: ClassVar[bool] = False
    after_bytes: int = settings.whole(40, "bytes of the body, of about 300", unit="bytes", least=1, most=200)

    async def meet(self, exchange: Exchange) -> Ending:
        """Answer the beginning as if it were the whole."""
        return await exchange.send(200, exchange.valid_answer()[: self.after_bytes])


@dataclass(frozen=True, slots=True)
class WrongType:
    """Answers 200 with valid JSON of a wrong shape."""

    answers_well: ClassVar[bool] = False
    shape: str = settings.choice(
        "fields", "what is wrong: the fields' types, or the whole value's", tuple(_WRONG_BODIES)
    )

    async def meet(self, exchange: Exchange) -> Ending:
        """Answer the wrong shape."""
        return await exchange.send(200, _WRONG_BODIES[self.shape])
