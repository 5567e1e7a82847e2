"""The endpoints that the fake serves: what each is called with, where its message id is found, and its good answer.

Without any document the fake is pika-mem0. ``cli serve`` reads documents with ``parse``; ``app`` serves the endpoints,
``exchange`` sends their answers, and the modes that spoil an answer start from these bytes. The content is the same for
the same message, and means nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from fake_mem0 import settings
from fake_mem0.errors import BadSettingError
from fake_mem0.latency import FixedLatency
from fake_mem0.modes.answering import Answer
from fake_mem0.rules_document import parse_mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fake_mem0.modes import Mode

ANY = "*"  # as a path: every path that no other endpoint has, by any method
_METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
_PATH = re.compile(r"(/([A-Za-z0-9._~-]|\{[a-z_]+\})*)+")
_KEY = re.compile(r'[^"\\\x00-\x1f\x7f-\U0010ffff]{1,100}')  # what JSON and HTTP write without escapes
_ID, _TEXT = "{message_id}", "{text}"
# Longer than any answer's own text and found nowhere else in one: it marks the place that ``answer_frame`` cuts out.
_PLACE = "<<the place of the long text>>"


class Place(StrEnum):
    """Where a request has its message id."""

    JSON = "json"  # the first member of that name in the body
    HEADER = "header"
    PATH = "path"  # a part of the path: /items/{id}
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. ``answer`` is a JSON value in which ``{message_id}`` and ``{text}`` stand for those two."""

    method: str
    path: str
    id_place: Place
    id_name: str  # the member, the header, or the part of the path; empty where there is no id
    answer: object
    primary: bool  # its good answer is the message's side effect
    default: Mode = field(default_factory=Answer)  # what meets a request before any rule is put

    def answer_body(self, message_id: str | None, text: str = "The user lives in Hanoi.") -> bytes:
        """Return the good answer as JSON."""
        return json.dumps(_filled(self.answer, message_id, text)).encode()

    def answer_frame(self, message_id: str | None) -> tuple[bytes, bytes]:
        """Return what stands before and after the text of a good answer; any text fits between.

        An answer without a text has one beside its members for this.
        """
        whole = self.answer_body(message_id, _PLACE)
        if _PLACE.encode() not in whole:
            members = self.answer if isinstance(self.answer, dict) else {"value": self.answer}
            whole = json.dumps({**_filled(members, message_id, ""), "text": _PLACE}).encode()
        before, _, after = whole.rpartition(_PLACE.encode())
        return before, after


def unknown(path: str) -> Endpoint:
    """Return what stands in the place of an endpoint for a path that is not served."""
    return Endpoint("", path, Place.NOWHERE, "", None, primary=False)


def parse(document: object) -> Endpoint:
    """Return the endpoint that a document describes.

    Keys: ``path``, or ``*`` for any path by any method; ``method`` (POST when left out);
    ``message_id``: ``{"json": member}``, ``{"header": name}`` or
    ``{"path": part}``, none when left out; ``answer``: any JSON; ``primary`` (true when left out); ``default``: a mode.
    Raises BadSettingError on anything else.
    """
    if not isinstance(document, Mapping):
        raise settings.bad("the endpoint", document, "an object")
    accepted = ("path", "method", "message_id", "answer", "primary", "default")
    for name, value in document.items():
        if name not in accepted:
            raise BadSettingError(f"{name} is no key of an endpoint (its value is {value!r}); accepted: {accepted}")
    path, primary = document.get("path"), document.get("primary", True)
    if not isinstance(path, str) or not (path == ANY or _PATH.fullmatch(path)):
        raise settings.bad("path", path, "a path such as /extract or /items/{id}, or *")
    method = document.get("method", ANY if path == ANY else "POST")
    if method not in _METHODS and path != ANY:
        raise settings.bad("method", method, ", ".join(_METHODS))
    if not isinstance(primary, bool):
        raise settings.bad("primary", primary, "true or false")
    place, name = _place(document.get("message_id"), path)
    default = Answer() if "default" not in document else parse_mode(document["default"], "default")
    return Endpoint(str(method), path, place, name, document.get("answer", {}), primary, default)


def parse_all(texts: Sequence[str]) -> tuple[Endpoint, ...]:
    """Return the endpoints of JSON texts, or those of pika-mem0 where there is no text.

    Raises BadSettingError on a text that is none, and on two with the same path.
    """
    documents: list[object] = []
    for text in texts:
        try:
            documents.append(json.loads(text))
        except ValueError as error:
            raise settings.bad("the endpoint", text, f"a JSON object ({error})") from error
    endpoints = tuple(parse(document) for document in documents or PIKA_MEM0)
    paths = [endpoint.path for endpoint in endpoints]
    if twice := [path for path in paths if paths.count(path) > 1]:
        raise settings.bad("path", twice[0], "each path once")
    return endpoints


def _place(given: object, path: str) -> tuple[Place, str]:
    if given is None:
        return Place.NOWHERE, ""
    accepted = '{"json": member}, {"header": name}, or {"path": part} with {part} in the path'
    if not isinstance(given, Mapping) or len(given) != 1:
        raise settings.bad("message_id", given, accepted)
    ((place, name),) = given.items()
    if place not in {Place.JSON, Place.HEADER, Place.PATH} or not isinstance(name, str) or not _KEY.fullmatch(name):
        raise settings.bad("message_id", given, accepted)
    if place == Place.PATH and f"{{{name}}}" not in path:
        raise settings.bad("message_id", given, accepted)
    return Place(place), name


def _filled(value: Any, message_id: str | None, text: str) -> Any:
    """Return ``value`` with its placeholders replaced; one that is the whole of a string may become null."""
    if isinstance(value, dict):
        return {key: _filled(each, message_id, text) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, message_id, text) for each in value]
    if value == _ID:
        return message_id
    return value.replace(_ID, str(message_id)).replace(_TEXT, text) if isinstance(value, str) else value


PIKA_MEM0: tuple[Mapping[str, object], ...] = (
    {
        "path": "/extract_facts",
        "message_id": {"json": "conversation_id"},
        "answer": {
            "conversation_id": _ID,
            "facts": [
                {"fact": _TEXT, "score": 0.9},
                {"fact": "Người dùng thích nói chuyện vào buổi sáng.", "score": 0.7},
                {"fact": "The user mentioned a cat.", "score": 0.4},
            ],
        },
    },
    {
        # A language model, which is not what this is about: it answers at once, and stores nothing.
        "path": "/openai/v1/chat/completions",
        "message_id": {"json": "conversation_id"},
        "primary": False,
        "default": {"mode": "answer", "latency": {"seconds": FixedLatency().seconds}},
        "answer": {
            "id": f"chatcmpl-{_ID}",
            "object": "chat.completion",
            "created": 1_767_225_600,  # 2026-01-01, the day of the incident
            "model": "fake-mem0",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        },
    },
)
