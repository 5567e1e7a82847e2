"""The modes: each class one way to meet a request, and here the table of them. ``mode`` says how to add the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_mem0.modes.answering import Answer, Huge, InvalidJson, Status, TruncatedJson, WrongType
from fake_mem0.modes.breaking import Refuse, ResetBefore, ResetMidBody
from fake_mem0.modes.hanging import DripBody, DripHeaders, Endless, HangForever, HangThen500
from fake_mem0.modes.mode import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

# From well to worse.
MODES: Mapping[str, type[Mode]] = {
    "answer": Answer,
    "status": Status,
    "hang_then_500": HangThen500,
    "hang_forever": HangForever,
    "drip_headers": DripHeaders,
    "drip_body": DripBody,
    "reset_before": ResetBefore,
    "reset_mid_body": ResetMidBody,
    "truncated_json": TruncatedJson,
    "invalid_json": InvalidJson,
    "wrong_type": WrongType,
    "endless": Endless,
    "huge": Huge,
    "refuse": Refuse,
}

_NAMES = {kind: name for name, kind in MODES.items()}


def name_of(mode: Mode) -> str:
    """Return the name under which the table has ``mode``."""
    return _NAMES[type(mode)]


__all__ = ["MODES", "Mode", "Refuse", "name_of"]
