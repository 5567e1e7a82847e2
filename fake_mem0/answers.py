"""What pika-mem0 answers when it answers: one valid JSON body for each path of its API. Pure.

Used by ``exchange``; the modes that spoil an answer start from these bytes. The content is the same for the same
conversation, and means nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EXTRACT_FACTS = "/extract_facts"
CHAT_COMPLETIONS = "/openai/v1/chat/completions"

# Longer than any answer's own text and found nowhere else in one: it marks the place that ``answer_frame`` cuts out.
_PLACE = "<<the place of the long text>>"


def _facts(conversation_id: str | None, text: str) -> object:
    return {
        "conversation_id": conversation_id,
        "facts": [
            {"fact": text, "score": 0.9},
            {"fact": "Người dùng thích nói chuyện vào buổi sáng.", "score": 0.7},
            {"fact": "The user mentioned a cat.", "score": 0.4},
        ],
    }


def _completion(conversation_id: str | None, text: str) -> object:
    return {
        "id": f"chatcmpl-{conversation_id}",
        "object": "chat.completion",
        "created": 1_767_225_600,  # 2026-01-01, the day of the incident
        "model": "fake-mem0",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


_SHAPES: Mapping[str, Callable[[str | None, str], object]] = {EXTRACT_FACTS: _facts, CHAT_COMPLETIONS: _completion}

PATHS = tuple(_SHAPES)


def answer_body(path: str, conversation_id: str | None, text: str = "The user lives in Hanoi.") -> bytes:
    """Return the valid answer of ``path``, about 300 bytes of JSON. Raises KeyError for a path that the API lacks."""
    return json.dumps(_SHAPES[path](conversation_id, text)).encode()


def answer_frame(path: str, conversation_id: str | None) -> tuple[bytes, bytes]:
    """Return what stands before and after the text of a valid answer; any text fits between."""
    before, _, after = answer_body(path, conversation_id, _PLACE).rpartition(_PLACE.encode())
    return before, after
