"""Reads a message row by row, so that its body is the only copy in memory.

The hardened clean-up works on a ``StreamedConversation``. The body is read once, to check every row and to note its
offsets, and once more while the request is sent. Copies of a 3 MB message that exist:

- while it is received, in the I/O thread: pika's frames and the body that it joins them to (6 MB), one message at a
  time;
- while it is read: the body (3 MB), and its text (2 to 6 MB: a Vietnamese letter takes two bytes in a Python string and
  two or three in the body); a lock lets one thread read at a time;
- while the request is sent: the body, one row, and one chunk of 64 kB;
- while the answer is awaited: the body. It is kept because a failed event keeps its message for the retry job;
- while a failure is recorded: the body, and its compressed copy (a quarter of it);
- while a message waits to go back to the broker: nothing.

With ten open calls that is ten bodies, and at any moment one message being received and one being read: 30 MB and 12 MB
beside the interpreter with its libraries. ``tests/integration/test_holes_memory.py`` holds the sum below 150 MiB.
"""

from __future__ import annotations

import json
import threading
from array import array
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, cast

from worker_under_test.conversation_message import RECENT_ROWS, ConversationRow, format_row, normalise_row
from worker_under_test.errors import UnparseableMessageError
from worker_under_test.friendship_score import ConversationTally

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES = 65_536
# The width of the columns that hold a name; PostgreSQL's hold no NUL. A row that can't be written can't be retried.
_NAME_LENGTH_MAX = 255
_WHITESPACE = " \t\n\r"
_DECODER = json.JSONDecoder()
# Reading is computation under the interpreter's lock, so one thread at a time is as fast as ten; it saves nine texts
# of 4.6 MB.
_READING = threading.Lock()


@dataclass(slots=True)
class StreamedConversation:
    """A checked message: its body, and the offsets of each row of the log in it."""

    body: bytes
    conversation_id: str = ""
    user_id: str = ""
    bot_id: str = ""
    tally: ConversationTally = field(default_factory=ConversationTally)
    row_starts: array[int] = field(default_factory=lambda: array("L"))  # offsets in body, bytes
    row_ends: array[int] = field(default_factory=lambda: array("L"))

    def recent_rows(self) -> list[ConversationRow]:
        """Return the last few rows."""
        return [normalise_row(json.loads(row)) for row in self._raw_rows(max(0, len(self.row_starts) - RECENT_ROWS))]

    def request_chunks(self, payload: dict[str, Any]) -> Iterator[bytes]:
        """Yield the body of ``POST /extract_facts`` in chunks of about 64 kB.

        The formatted conversation never exists as a whole.
        """
        head = {"conversation_id": self.conversation_id, "user_id": self.user_id}
        chunk = bytearray(_encode(head)[:-1] + b',"formatted_conversation":"')
        separator = b""
        for row in self._raw_rows():
            chunk += separator + _formatted_json(row)
            separator = b"\\n"
            if len(chunk) >= _CHUNK_BYTES:
                yield bytes(chunk)
                chunk.clear()
        yield bytes(chunk + b'","payload":' + _encode(payload) + b"}")

    def _raw_rows(self, first: int = 0) -> Iterator[bytes]:
        for start, end in zip(self.row_starts[first:], self.row_ends[first:], strict=True):
            yield self.body[start:end]


def read_conversation(body: bytes) -> StreamedConversation:
    """Return the conversation that ``body`` holds, every row of it checked.

    Raises:
        UnparseableMessageError: it is not a conversation message; the text says what was expected, and where.
    """
    with _READING:
        return _Reading(body).conversation()


def _formatted_json(raw_row: bytes) -> bytes:
    """Return the row as the memory API reads it, as the inside of a JSON string.

    Valid JSON without a backslash holds no character that needs one, so most rows skip the escaping, the most expensive
    step.
    """
    text = format_row(normalise_row(json.loads(raw_row)))
    if b"\\" in raw_row:
        text = encode_basestring(text)[1:-1]
    return text.encode(errors="replace")  # half a surrogate pair, which JSON allows and UTF-8 does not


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


class _Reading:
    """One pass over a body.

    The decoder is the standard library's; only the outermost object and the log's array are parsed here.
    """

    def __init__(self, body: bytes) -> None:
        self._found = StreamedConversation(body)
        try:
            self._text = body.decode()
        except UnicodeDecodeError as error:
            raise UnparseableMessageError(f"the body is not UTF-8 at byte {error.start}") from None
        self._at = 0

    def conversation(self) -> StreamedConversation:
        """Read the outermost object."""
        names: dict[str, object] = {}
        has_log = False
        for _ in self._members("{", "}"):
            key = self._value()
            self._expect(":")
            if key == "conversation_log":
                if has_log:
                    raise self._broken("one conversation_log, not two")
                has_log = True
                self._log()
            else:
                names[str(key)] = self._value()
        if self._text[self._at :].strip(_WHITESPACE):
            raise self._broken("the end")
        self._found.conversation_id = self._name(names, "conversation_id")
        self._found.user_id = self._name(names, "user_id")
        self._found.bot_id = self._name(names, "bot_id")
        if not has_log:
            raise UnparseableMessageError("the body has no conversation_log")
        return self._found

    def _log(self) -> None:
        """Read the log, and note the offsets of each row, in bytes."""
        text_at, byte_at = 0, 0
        for _ in self._members("[", "]"):
            self._skip()
            start = self._at
            row = self._value()
            if not _is_row(row):
                raise self._broken("a row of role, content and timestamp")
            row = normalise_row(cast("ConversationRow", row))
            self._found.tally.count(row["role"], row["content"])
            byte_start = byte_at + len(self._text[text_at:start].encode())
            byte_at = byte_start + len(self._text[start : self._at].encode())
            text_at = self._at
            self._found.row_starts.append(byte_start)
            self._found.row_ends.append(byte_at)

    def _members(self, opening: str, closing: str) -> Iterator[None]:
        """Iterate over an object's or an array's members; the caller reads each before it takes the next."""
        self._expect(opening)
        self._skip()
        if self._text[self._at : self._at + 1] == closing:
            self._at += 1
            return
        while True:
            yield
            self._skip()
            mark = self._text[self._at : self._at + 1]
            if mark not in (",", closing) or not mark:
                raise self._broken(f"a comma or {closing}")
            self._at += 1
            if mark == closing:
                return

    def _value(self) -> object:
        self._skip()
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            raise self._broken("a JSON value") from None
        return cast("object", value)

    def _expect(self, mark: str) -> None:
        self._skip()
        if self._text[self._at : self._at + 1] != mark:
            raise self._broken(mark)
        self._at += 1

    def _skip(self) -> None:
        while self._text[self._at : self._at + 1] in (" ", "\t", "\n", "\r"):
            self._at += 1

    def _name(self, names: dict[str, object], key: str) -> str:
        value = names.get(key, "" if key != "conversation_id" else None)
        if not isinstance(value, str) or (key == "conversation_id" and not value):
            raise UnparseableMessageError(f"the body has no {key}")
        if len(value) > _NAME_LENGTH_MAX or "\0" in value:
            raise UnparseableMessageError(f"the {key} of {len(value)} characters does not fit its column")
        return value

    def _broken(self, expected: str) -> UnparseableMessageError:
        return UnparseableMessageError(f"expected {expected} at character {self._at} of {len(self._text)}")


def _is_row(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("role", "content", "timestamp"))
