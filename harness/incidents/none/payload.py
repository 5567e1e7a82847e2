"""Generic messages: a JSON object of an exact size with the message's id in it, and a few that are beyond processing.

``PAYLOAD`` keeps ``harness.protocols.payload``.
"""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING

from harness.message_ids import id_bytes
from harness.protocols.payload import Template

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

NESTED_DEEP = 100_000  # far beyond CPython's recursion limit of 1,000, in 200 kB
TOO_LARGE_BYTES = 100 * 10**6  # below RabbitMQ 3's limit of 128 MiB
_ID_BYTES = id_bytes()
_LETTERS = string.ascii_letters + string.digits

# Each shows whose it is within its first bytes.
POISONS: Mapping[str, Callable[[str], bytes]] = {
    "not_json": lambda name: f'<html>502 Bad Gateway, while handling "id": "{name}"</html>'.encode(),
    "no_id": lambda name: f'{{"trace": {{"id": "{name}"}}, "filler": ""}}'.encode(),
    "deep_nesting": lambda name: f'{{"id": "{name}", "filler": {"[" * NESTED_DEEP}{"]" * NESTED_DEEP}}}'.encode(),
    "too_large": lambda name: f'{{"id": "{name}", "filler": "{"x" * TOO_LARGE_BYTES}"}}'.encode(),
}


class GenericMessages:
    """``{"id": …, "filler": …}``."""

    def template(self, rng: random.Random, size_bytes: int) -> Template:
        """Return a template whose bodies have exactly ``size_bytes``."""
        prefix, keys, end = b'{"id": "', b'", "filler": ', b"}"
        room_bytes = size_bytes - len(prefix) - _ID_BYTES - len(keys) - len(end) - len(json.dumps(""))
        filler = "".join(rng.choices(_LETTERS, k=room_bytes))
        return Template(prefix=prefix, suffix=keys + json.dumps(filler).encode() + end, id_bytes=_ID_BYTES)

    def poison(self, kind: str, message_id: str) -> bytes:
        """Return a body of that kind of ``POISONS``."""
        return POISONS[kind](message_id)


PAYLOAD = GenericMessages()
