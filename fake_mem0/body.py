r"""Reads a request body and keeps none of it: counts its bytes, finds its message id. Used by ``app``.

A thousand hung requests of 3 MB each must fit into a small process, so bodies are never held, and never parsed: the id
is found by its key's unescaped quotes, in a window that rolls across chunk borders. JSON escapes every quote inside a
string, so text that merely quotes the key (``\"message_id\"``) is not taken. A key that is itself written with
``\u`` escapes is not found; no client writes it so.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

_SPACE_MAX = 32  # bytes of white space on either side of the colon; pretty printers put one
_ID_MAX = 256  # bytes of an id, an escape counting as one; a UUID has 36
_VALUE = rb'[ \t\r\n]{0,%d}:[ \t\r\n]{0,%d}("(?:[^"\\\x00-\x1f]|\\u[0-9a-fA-F]{4}|\\[^u]){1,%d}")' % (
    _SPACE_MAX,
    _SPACE_MAX,
    _ID_MAX,
)
# The longest text that _VALUE can match (an escape is at most six bytes, the colon one, the quotes two), and the byte
# before its key.
_WINDOW_BYTES = 1 + 2 * _SPACE_MAX + 1 + 6 * _ID_MAX + 2
_BACKSLASH = 0x5C


class MessageIdFinder:
    """Finds the first ``"key": "…"`` in a stream of chunks, wherever it is cut. Holds two kilobytes."""

    def __init__(self, key: str) -> None:
        self.message_id: str | None = None
        self._key = json.dumps(key).encode()
        self._pair = re.compile(re.escape(self._key) + _VALUE)
        # The search starts at the window's second byte, so that what stands before a key is always seen. A stream
        # begins with a space, so to say; later a key at the first byte has been judged already, whole, in the text
        # before.
        self._window = b" "

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body, in order; a no-op once the id is found."""
        if self.message_id is not None:
            return
        text = self._window + chunk
        at = text.find(self._key, 1)
        while at >= 0:
            if text[at - 1] != _BACKSLASH:
                found = self._pair.match(text, at)
                if found is not None and self._take(found[1]):
                    return
            at = text.find(self._key, at + 1)
        self._window = text[-(_WINDOW_BYTES + len(self._key)) :]

    def _take(self, literal: bytes) -> bool:
        """Decode the id's JSON string; False when the bytes are no JSON string after all."""
        try:
            self.message_id = str(json.loads(literal))
        except ValueError:
            return False
        self._window = b""
        return True


async def read_body(
    chunks: AsyncIterable[bytes], count: Callable[[int], None], finder: MessageIdFinder | None
) -> str | None:
    """Read a body to its end and return the message id that ``finder`` found in it, or None.

    ``count`` is called with the length of each chunk as it comes, so that a body broken off half-way has been counted
    as far as it came.
    """
    async for chunk in chunks:
        count(len(chunk))
        if finder is not None:
            finder.feed(chunk)
    return finder.message_id if finder is not None else None
