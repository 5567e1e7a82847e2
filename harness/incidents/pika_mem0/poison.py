"""Poison: messages that no worker can process, published among innocent ones.

Used by ``payload``; a scenario names the kinds in a phase's ``poison``. Each kind is one way to be
wrong, and each body still shows whose it is within its first bytes, so that the ledger finds it wherever it is put
aside. It publishes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NESTED_DEEP = 100_000  # far beyond CPython's recursion limit of 1,000, in 200 kB
TOO_LARGE_BYTES = 100 * 10**6  # below RabbitMQ 3's limit of 128 MiB, thirty times a conversation


def poison_body(kind: str, conversation_id: str) -> bytes:
    """Return a body of that kind. Raises KeyError for a kind that there is not."""
    return KINDS[kind](b'"conversation_id": "%b"' % conversation_id.encode("ascii"))


def _not_json(name: bytes) -> bytes:
    return b"<html>502 Bad Gateway, while handling " + name + b"</html>"


def _no_id(name: bytes) -> bytes:
    return b'{"user_id": "user-1", "trace": {' + name + b'}, "conversation_log": []}'


def _null_fields(name: bytes) -> bytes:
    return b"{" + name + b', "user_id": null, "bot_id": null, "conversation_log": null}'


def _null_rows(name: bytes) -> bytes:
    row = b'{"role": null, "content": null, "timestamp": null}'
    return b"{" + name + b', "user_id": "user-1", "bot_id": "pika", "conversation_log": [' + row + b"]}"


def _wrong_encoding(name: bytes) -> bytes:
    row = '{"role": "user", "content": "déjà vu", "timestamp": "2026-01-01T11:42:04Z"}'.encode("latin-1")
    return b"{" + name + b', "user_id": "user-1", "bot_id": "pika", "conversation_log": [' + row + b"]}"


def _deep_nesting(name: bytes) -> bytes:
    return b"{" + name + b', "conversation_log": ' + b"[" * NESTED_DEEP + b"]" * NESTED_DEEP + b"}"


def _too_large(name: bytes) -> bytes:
    return b"{" + name + b', "conversation_log": "' + b"x" * TOO_LARGE_BYTES + b'"}'


KINDS: Mapping[str, Callable[[bytes], bytes]] = {
    "not_json": _not_json,
    "no_id": _no_id,
    "null_fields": _null_fields,
    "null_rows": _null_rows,
    "wrong_encoding": _wrong_encoding,
    "deep_nesting": _deep_nesting,
    "too_large": _too_large,
}
