"""Message bodies: conversation logs of an exact size, encoded once, and one copy for each message after that.

``PAYLOAD`` keeps ``harness.protocols.payload``. The shape is that of "The message" in docs/reference/contracts.md; the
text is drawn from ``phrases``, the bodies beyond all processing are ``poison``'s.
"""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from harness.incidents.pika_mem0 import INCIDENT
from harness.incidents.pika_mem0.phrases import ENGLISH, VIETNAMESE
from harness.incidents.pika_mem0.poison import poison_body
from harness.message_ids import id_bytes
from harness.protocols.payload import Template

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

ROW_BYTES = 3_000  # the incident's logs: about a thousand rows of about 3 kB
FIRST_ROW_TOD_S = 8 * 3600  # rows are stamped from 08:00 on, where the incident's timeline begins
ID_BYTES = id_bytes(INCIDENT.id_prefix)

_PHRASES = VIETNAMESE + ENGLISH
_PHRASE_BYTES_MIN = min(len(phrase.encode()) for phrase in _PHRASES)
_PLACEHOLDER_ID = "0" * ID_BYTES


class ConversationLogs:
    """The incident's messages: 3 MB of conversation each."""

    def template(self, rng: random.Random, size_bytes: int) -> Template:
        """Return a template whose bodies have exactly ``size_bytes``; about 0.05 s for 3 MB."""
        rows = [
            {"role": "assistant" if index % 2 else "user", "content": "", "timestamp": _timestamp(index)}
            for index in range(max(1, size_bytes // ROW_BYTES))
        ]
        document = {
            INCIDENT.id_key: _PLACEHOLDER_ID,
            "user_id": f"user-{rng.randrange(10**6):06d}",
            "bot_id": "pika",
            "conversation_log": rows,
        }
        room_bytes = size_bytes - len(_encode(document))
        for row, length_bytes in zip(rows, _split(rng, room_bytes, len(rows)), strict=True):
            row["content"] = _say(rng, length_bytes)
        body = _encode(document)
        gap = body.index(_PLACEHOLDER_ID.encode())
        return Template(prefix=body[:gap], suffix=body[gap + ID_BYTES :], id_bytes=ID_BYTES)

    def poison(self, kind: str, message_id: str) -> bytes:
        """Return a body of that kind of ``poison.KINDS``."""
        return poison_body(kind, message_id)


PAYLOAD = ConversationLogs()


def _encode(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _timestamp(index: int) -> str:
    """Return the time of the ``index``-th row, one every four seconds: a thousand rows are an hour's conversation."""
    second = FIRST_ROW_TOD_S + 4 * index
    return (
        f"2026-01-{1 + second // 86_400 % 28:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    )


def _split(rng: random.Random, total: int, parts: int) -> list[int]:
    """Return ``parts`` whole numbers that add up to ``total``, each within half to one and a half of the mean."""
    marks = list(accumulate((rng.uniform(0.5, 1.5) for _ in range(parts)), initial=0.0))
    edges = [round(total * mark / marks[-1]) for mark in marks]
    return [right - left for left, right in pairwise(edges)]


def _say(rng: random.Random, length_bytes: int) -> str:
    """Return text of exactly ``length_bytes`` in UTF-8.

    It opens in Vietnamese, so that every row is as wide in memory as the incident's (see ``phrases``).
    """
    phrases = [rng.choice(VIETNAMESE), *rng.choices(_PHRASES, k=length_bytes // (_PHRASE_BYTES_MIN + 1) + 1)]
    cut = " ".join(phrases).encode()[:length_bytes]
    whole = cut.decode(errors="ignore")  # the cut may fall inside a character
    return whole + "." * (length_bytes - len(whole.encode()))
