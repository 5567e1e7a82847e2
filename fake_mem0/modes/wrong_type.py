"""The mode ``wrong_type``: valid JSON of a shape that the API never promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_mem0 import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fake_mem0.exchange import Ending, Exchange

# The field that a client reads first (facts, choices) is there, with the wrong type, in "fields"; the other three are
# no objects at all.
_BODIES: Mapping[str, bytes] = {
    "fields": b'{"conversation_id": 7, "facts": "none", "choices": {"0": null}}',
    "list": b"[]",
    "null": b"null",
    "string": b'"ok"',
}


@dataclass(frozen=True, slots=True)
class WrongType:
    """Answers 200 with valid JSON of a wrong shape."""

    shape: str = settings.choice("fields", "what is wrong: the fields' types, or the whole value's", tuple(_BODIES))

    async def meet(self, exchange: Exchange) -> Ending:
        """Answer the wrong shape."""
        return await exchange.send(200, _BODIES[self.shape])
