"""Numbers in [0, 1) that are a pure function of (seed, message id, attempt).

So a run replays, whatever the order in which its requests arrive.
Used by ``rules`` (which rule meets a request) and by ``latency`` (how long an answer takes). No state, no ``random``.
"""

from __future__ import annotations

import hashlib

RULE = b"rule"
LATENCY = b"latency"

# 53 bits are what a float holds exactly: the quotient can't round up to 1.0.
_BITS = 53


def draw(purpose: bytes, seed: int, message_id: str | None, attempt: int) -> float:
    """Return a number in [0, 1), uniform over message ids and over attempts.

    ``purpose`` (``RULE``, ``LATENCY``; at most 16 bytes) keeps draws apart: who meets a slow rule does not thereby get
    a slow latency. A request without a message id draws as the empty id.
    """
    # Numbers come first, so that no id can imitate another triple; lone surrogates are legal in JSON strings.
    key = f"{seed}:{attempt}:{message_id or ''}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(key, digest_size=8, person=purpose).digest()
    return (int.from_bytes(digest, "big") >> (64 - _BITS)) / float(2**_BITS)
