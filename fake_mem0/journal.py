"""The journal: what became of each request, one JSON object a line, written when the request ends.

``harness.probes`` reads it. Flushed line by line: a SIGKILL loses at most the line being written. This module decides
nothing; ``calls`` says what to write.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Outcome(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"  # the whole answer that the mode meant to give was sent, be it good, bad or a lie
    CLIENT_GONE = "client_gone"  # the client left, or broke its own request off
    RESET = "reset"  # the mode cut the connection
    CAPPED = "capped"  # an endless answer reached its cap and was cut
    RELEASED = "released"  # cut by POST /release
    ERROR = "error"  # the fake itself failed; standard error says how
    OPEN = "open"  # not ended when the fake was stopped


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One request. ``mode`` is ``unread`` and ``attempt`` 0 where it ended before its body was read."""

    arrived_mono_s: float
    path: str
    message_id: str | None
    attempt: int  # 1 for the first request of that message on that path
    mode: str
    status: int | None  # None: no answer was completed
    duration_s: float
    bytes_in: int
    outcome: Outcome
    good: bool  # the whole of a good answer was sent
    primary: bool  # on an endpoint whose good answer is the message's side effect


class Journal:
    """Writes lines to a file, or nowhere when it has none."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def write(self, line: JournalLine) -> None:
        """Append the line and flush it. Raises OSError on a full disk: no request is to go unrecorded in silence."""
        if self._file is not None:
            self._file.write(json.dumps(asdict(line)) + "\n")


@contextmanager
def open_journal(path: Path | None) -> Iterator[Journal]:
    """Yield a journal that appends to ``path`` (its folder must exist), or one that writes nowhere for None."""
    if path is None:
        yield Journal(None)
        return
    with path.open("a", encoding="utf-8", buffering=1) as file:  # 1: flush at each line's end
        yield Journal(file)
