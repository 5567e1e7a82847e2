"""The message read row by row: the same request as the original's, and no body that gets through unchecked."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_under_test.conversation_message import (
    ConversationRow,
    format_conversation,
    normalise_row,
    parse_message,
    tally_conversation,
)
from worker_under_test.errors import UnparseableMessageError
from worker_under_test.streamed_conversation import read_conversation

ROW: ConversationRow = {"role": "user", "content": "xin chào", "timestamp": "2026-01-01T11:42:04Z"}


def message(rows: list[ConversationRow], **other: object) -> dict[str, object]:
    """Return a message as the API server publishes it."""
    return {"conversation_id": "c-1", "user_id": "u", "bot_id": "b", "conversation_log": rows, **other}


texts = st.text(st.characters(codec="utf-8"), max_size=40)
row_lists = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": texts, "timestamp": texts}),
    max_size=30,
)


@given(rows=row_lists, ascii_only=st.booleans(), indent=st.sampled_from([None, 1]), id_last=st.booleans())
def test_the_streamed_request_is_the_originals(
    rows: list[ConversationRow], ascii_only: bool, indent: int | None, id_last: bool
) -> None:
    """Guarantees that pika-mem0 gets the same JSON and the score the same counts, whatever the JSON's layout."""
    document = message(rows, extra={"nested": [1, "]", "}"]})
    if id_last:
        document["conversation_id"] = document.pop("conversation_id")
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()

    conversation = read_conversation(body)
    request = json.loads(b"".join(conversation.request_chunks({"bot_id": "b"})))

    log = [normalise_row(row) for row in parse_message(body)["conversation_log"]]
    assert request == {
        "conversation_id": "c-1",
        "user_id": "u",
        "formatted_conversation": format_conversation(log),
        "payload": {"bot_id": "b"},
    }
    assert conversation.tally == tally_conversation(log)
    assert conversation.recent_rows() == log[-20:]


def test_half_a_surrogate_pair_does_not_break_the_request_off() -> None:
    """Guarantees that text which JSON allows and UTF-8 does not is sent with a mark in its place."""
    body = json.dumps(message([{**ROW, "content": "a\ud83d b"}])).encode()
    request = json.loads(b"".join(read_conversation(body).request_chunks({})))
    assert request["formatted_conversation"].endswith("a? b")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "expected {"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[]", "expected {"),
        (b'{"conversation_log": []}', "no conversation_id"),
        (b'{"conversation_id": "", "conversation_log": []}', "no conversation_id"),
        (b'{"conversation_id": 7, "conversation_log": []}', "no conversation_id"),
        (b'{"conversation_id": "c"}', "no conversation_log"),
        (b'{"conversation_id": "c", "conversation_log": {}}', "expected ["),
        (b'{"conversation_id": "c", "conversation_log": [1]}', "expected a row"),
        (b'{"conversation_id": "c", "conversation_log": [{"role": "user"}]}', "expected a row"),
        (b'{"conversation_id": "c", "conversation_log": []', "expected a comma"),
        (b'{"conversation_id": "c", "conversation_log": []} x', "expected the end"),
        (b'{"conversation_id": "c", "conversation_log": [], "conversation_log": []}', "not two"),
        (b'{"conversation_id": "c\\u0000", "conversation_log": []}', "does not fit"),
        (b'{"conversation_id": "' + 256 * b"c" + b'", "conversation_log": []}', "does not fit"),
        (b'{"a":' + 100_000 * b"[", "expected a JSON value"),
    ],
)
def test_a_body_that_is_no_conversation_is_refused(body: bytes, said: str) -> None:
    """Guarantees that what can't be processed is told from what failed this time, with the place where it broke."""
    with pytest.raises(UnparseableMessageError) as refused:
        read_conversation(body)
    assert said in str(refused.value)


def test_a_refusal_does_not_quote_the_conversation() -> None:
    """Guarantees that an error of 3 MB, or a child's words, never reach the log through it."""
    body = json.dumps(message([{**ROW, "content": "canary" * 1000}])).encode()
    with pytest.raises(UnparseableMessageError) as refused:
        read_conversation(body[:-2])
    assert "canary" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_read_conversation_holds_nothing_of_its_size_but_the_body() -> None:
    """Guarantees the one copy: what reading keeps and what sending takes are far below a body."""
    rows: list[ConversationRow] = [{"role": "user", "content": "ạ" * 1000, "timestamp": str(n)} for n in range(1000)]
    body = json.dumps(message(rows), ensure_ascii=False).encode()
    del rows
    tracemalloc.start()
    try:
        conversation = read_conversation(body)
        kept_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for chunk in conversation.request_chunks({}):
            assert len(chunk) < 100_000
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) > 3_000_000
    assert kept_bytes < 100_000
    assert peak_bytes < 500_000
