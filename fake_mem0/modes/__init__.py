"""The modes: each file one way to meet a request, and here the table of them. ``mode`` says how to add the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_mem0.modes.answer import Answer
from fake_mem0.modes.drip_body import DripBody
from fake_mem0.modes.drip_headers import DripHeaders
from fake_mem0.modes.endless import Endless
from fake_mem0.modes.hang_forever import HangForever
from fake_mem0.modes.hang_then_500 import HangThen500
from fake_mem0.modes.huge import Huge
from fake_mem0.modes.invalid_json import InvalidJson
from fake_mem0.modes.mode import Mode
from fake_mem0.modes.refuse import Refuse
from fake_mem0.modes.reset_before import ResetBefore
from fake_mem0.modes.reset_mid_body import ResetMidBody
from fake_mem0.modes.status import Status
from fake_mem0.modes.truncated_json import TruncatedJson
from fake_mem0.modes.wrong_type import WrongType

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
