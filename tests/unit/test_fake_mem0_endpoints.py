"""Endpoints as documents: every mistake is named with its value and what is accepted; what is right is served."""

import json
from typing import Any

import pytest

from fake_mem0.endpoints import PIKA_MEM0, Place, parse, parse_all
from fake_mem0.errors import BadSettingError

WRONG: list[tuple[Any, str]] = [
    ([], "the endpoint is \\[\\]; accepted: an object"),
    ({"path": "charge"}, "path is 'charge'"),
    ({"path": "/a b"}, "path is '/a b'"),
    ({"path": "/a", "method": "post"}, "method is 'post'; accepted: POST"),
    ({"path": "/a", "message_id": "id"}, "message_id is 'id'"),
    ({"path": "/a", "message_id": {"cookie": "id"}}, "message_id is"),
    ({"path": "/a", "message_id": {"path": "id"}}, r"\{part\} in the path"),
    ({"path": "/a", "message_id": {"json": 'a"b'}}, "message_id is"),
    ({"path": "/a", "primary": 1}, "primary is 1; accepted: true or false"),
    ({"path": "/a", "default": {"mode": "lightning"}}, "default.mode is 'lightning'"),
    ({"path": "/a", "answers": {}}, "answers is no key of an endpoint"),
]


@pytest.mark.parametrize(("document", "said"), WRONG, ids=[said[:25] for _, said in WRONG])
def test_a_mistake_in_an_endpoint_is_named(document: object, said: str) -> None:
    """Guarantees that a document which would serve nothing, or something else, is refused before a port opens."""
    with pytest.raises(BadSettingError, match=said):
        parse(document)


def test_texts_that_are_no_endpoints_are_refused() -> None:
    """Guarantees the same for what is no JSON, and for a path that stands twice."""
    with pytest.raises(BadSettingError, match="a JSON object"):
        parse_all(["{"])
    with pytest.raises(BadSettingError, match="each path once"):
        parse_all([json.dumps({"path": "/a"})] * 2)


def test_an_endpoint_says_where_its_message_id_is() -> None:
    """Guarantees the three places, and none."""
    places = [{"json": "id"}, {"header": "X-Id"}, {"path": "id"}, None]
    found = [parse({"path": "/a/{id}", **({"message_id": place} if place else {})}) for place in places]
    assert [(each.id_place, each.id_name) for each in found] == [
        (Place.JSON, "id"),
        (Place.HEADER, "X-Id"),
        (Place.PATH, "id"),
        (Place.NOWHERE, ""),
    ]


def test_an_answer_has_the_message_s_id_and_room_for_a_text() -> None:
    """Guarantees placeholders at any depth, null for a message without an id, and a text where the answer has none."""
    endpoint = parse({"path": "/a", "answer": {"ids": ["{message_id}", "no {message_id}"]}})
    assert json.loads(endpoint.answer_body("m")) == {"ids": ["m", "no m"]}
    assert json.loads(endpoint.answer_body(None))["ids"][0] is None
    before, after = endpoint.answer_frame("m")
    assert json.loads(before + b"xyz" + after) == {"ids": ["m", "no m"], "text": "xyz"}


def test_by_itself_the_fake_is_pika_mem0() -> None:
    """Guarantees today's two endpoints, of which the first has the side effect."""
    assert [(each.path, each.method, each.primary) for each in parse_all(())] == [
        (str(document["path"]), "POST", first) for document, first in zip(PIKA_MEM0, (True, False), strict=True)
    ]
