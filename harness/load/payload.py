"""Message bodies: conversation logs of an exact size, encoded once, and one copy for each message after that.

Used by the publishers (``locustfile``), which build the pool when they start, and by whoever wants one body of that
shape. It publishes nothing.

A body is ``prefix + conversation id + suffix``: encoding 3 MB of JSON for every message would cost more than
publishing it. The shape is that of "The message" in docs/reference/contracts.md; the text is drawn from ``phrases``.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.load.ids import ID_BYTES
from harness.load.phrases import ENGLISH, VIETNAMESE

if TYPE_CHECKING:
    from collections.abc import Mapping

BODY_BYTES_MIN = 1_024  # the keys around an empty log take about 250 bytes; below this there is no conversation left
BODY_BYTES_MAX = 128 * 2**20  # RabbitMQ's largest message (16 MiB from 4.0, where the broker says so itself)
POOL_MAX = 64  # templates are held in memory for the whole load: 64 of 3 MB are 200 MB
ROW_BYTES = 3_000  # the incident's logs: about a thousand rows of about 3 kB
FIRST_ROW_TOD_S = 8 * 3600  # rows are stamped from 08:00 on, where the incident's timeline begins

_PHRASES = VIETNAMESE + ENGLISH
_PHRASE_BYTES_MIN = min(len(phrase.encode()) for phrase in _PHRASES)
_PLACEHOLDER_ID = "0" * ID_BYTES


@dataclass(frozen=True, slots=True)
class PayloadSizes:
    """How large bodies are, in bytes, and how many different ones there are.

    Each template's size is drawn evenly between the two. Raises UsageError when they are out of order or out of range.
    """

    min_bytes: int
    max_bytes: int
    templates: int = 8

    def __post_init__(self) -> None:
        if not BODY_BYTES_MIN <= self.min_bytes <= self.max_bytes <= BODY_BYTES_MAX:
            raise UsageError(
                f"body sizes {self.min_bytes} to {self.max_bytes} bytes:"
                f" use {BODY_BYTES_MIN} <= min <= max <= {BODY_BYTES_MAX}"
            )
        if not 1 <= self.templates <= POOL_MAX:
            raise UsageError(f"a pool of {self.templates} templates: use 1 to {POOL_MAX}")


@dataclass(frozen=True, slots=True)
class Template:
    """One encoded conversation log with a gap where the conversation id goes."""

    prefix: bytes
    suffix: bytes

    @property
    def size_bytes(self) -> int:
        """The size of each body made from this template: the id's length is always the same."""
        return len(self.prefix) + ID_BYTES + len(self.suffix)

    def body(self, conversation_id: str) -> bytes:
        """Return the body for ``conversation_id``; one copy. Raises ValueError when the id does not fit the gap."""
        name = conversation_id.encode("ascii")
        if len(name) != ID_BYTES:
            msg = (
                f"conversation id {conversation_id!r} has {len(name)} characters; a template leaves room for {ID_BYTES}"
            )
            raise ValueError(msg)
        return b"".join((self.prefix, name, self.suffix))


def build_pool(seed: int, sizes: PayloadSizes) -> tuple[Template, ...]:
    """Return ``sizes.templates`` templates: a pure function of its arguments, about 0.05 s for each 3 MB."""
    rng = random.Random(f"{seed}:payload")
    return tuple(build_template(rng, rng.randint(sizes.min_bytes, sizes.max_bytes)) for _ in range(sizes.templates))


def build_template(rng: random.Random, size_bytes: int) -> Template:
    """Return a template whose bodies have exactly ``size_bytes`` (at least ``BODY_BYTES_MIN``)."""
    rows = [
        {"role": "assistant" if index % 2 else "user", "content": "", "timestamp": _timestamp(index)}
        for index in range(max(1, size_bytes // ROW_BYTES))
    ]
    document = {
        "conversation_id": _PLACEHOLDER_ID,
        "user_id": f"user-{rng.randrange(10**6):06d}",
        "bot_id": "pika",
        "conversation_log": rows,
    }
    room_bytes = size_bytes - len(_encode(document))
    for row, length_bytes in zip(rows, _split(rng, room_bytes, len(rows)), strict=True):
        row["content"] = _say(rng, length_bytes)
    body = _encode(document)
    gap = body.index(_PLACEHOLDER_ID.encode())
    return Template(prefix=body[:gap], suffix=body[gap + ID_BYTES :])


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
