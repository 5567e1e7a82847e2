"""The reader that keeps no body: it finds the message id wherever a body is cut, and is fooled by no text."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fake_mem0.body import MessageIdFinder, read_body

ids = st.text(min_size=1, max_size=40)
# Text that tries to pass for the pair itself, beside text of any kind.
contents = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.just('"conversation_id": "evil"'),
        st.just('{"conversation_id":"evil"}'),
        st.just('\\"conversation_id\\": \\"evil\\"'),
        st.just("conversation_id"),
        st.just("\\"),
    ),
    max_size=6,
).map("".join)
cuts = st.lists(st.integers(min_value=1, max_value=60), min_size=1, max_size=20)


def chunks_of(body: bytes, sizes: Sequence[int]) -> Iterable[bytes]:
    """Cut ``body`` into chunks of the given sizes, over and over."""
    start = turn = 0
    while start < len(body):
        size = sizes[turn % len(sizes)]
        yield body[start : start + size]
        start, turn = start + size, turn + 1


def found_in(body: bytes, sizes: Sequence[int]) -> str | None:
    """Return what the finder finds in ``body``, fed in such chunks."""
    finder = MessageIdFinder("conversation_id")
    for chunk in chunks_of(body, sizes):
        finder.feed(chunk)
    return finder.message_id


@given(
    conversation_id=ids,
    before=contents,
    after=contents,
    sizes=cuts,
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
@example(conversation_id="c-1", before='"conversation_id": "evil"', after="", sizes=[1], ascii_only=True, indent=None)
def test_the_id_is_found_wherever_it_stands_and_however_the_body_is_cut(
    conversation_id: str, before: str, after: str, sizes: list[int], *, ascii_only: bool, indent: int | None
) -> None:
    """The id of a valid body is found in any place, in any chunks, as JSON itself would read it."""
    document = {"formatted_conversation": before, "conversation_id": conversation_id, "payload": {"content": after}}
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    assert found_in(body, sizes) == conversation_id


@given(content=contents, sizes=cuts)
def test_text_that_quotes_the_pair_is_never_taken_for_it(content: str, sizes: list[int]) -> None:
    """A body without the key has no id, whatever its strings say: JSON escapes the quotes inside them."""
    body = json.dumps({"formatted_conversation": content, "payload": [content]}).encode("utf-8", "surrogatepass")
    assert found_in(body, sizes) is None


@settings(max_examples=200)
@given(filler=st.integers(min_value=0, max_value=4000), sizes=st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_a_key_that_only_ends_like_ours_is_not_taken_at_the_windows_edge_either(filler: int, sizes: list[int]) -> None:
    r"""The backslash of ``x\"conversation_id"`` is seen even when it has just rolled out of the window."""
    body = json.dumps({'x"conversation_id': "evil", "f": "y" * filler, "conversation_id": "mine"}).encode()
    assert found_in(body, sizes) == "mine"


def test_the_id_is_found_at_the_end_of_three_megabytes() -> None:
    """A client may write the id last; the finder then reads the whole body and still holds two kilobytes."""
    finder = MessageIdFinder("conversation_id")
    body = json.dumps({"f": 'x"conversation_id' * 150_000, "conversation_id": "last"}).encode()
    assert len(body) > 2_500_000

    held_bytes = 0
    for chunk in chunks_of(body, [65_536]):
        finder.feed(chunk)
        held_bytes = max(held_bytes, len(finder._window))

    assert finder.message_id == "last"
    assert held_bytes < 2048


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"conversation_id": 7}',
        b'{"conversation_id": null, "x": "conversation_id"}',
        b'{"conversation_id": ""}',
        b'{"conversation_id": "cut off',
        b'{"conversation_id": "\xff\xfe"}',
        b'{"conversation_id": "\\x"}',
        b'{"conversation_id": "' + b"i" * 300 + b'"}',
    ],
)
def test_a_body_without_a_usable_id_has_none(body: bytes) -> None:
    """No string, empty, cut off, no UTF-8, no JSON, far too long: that is no id, and the request is served without."""
    assert found_in(body, [5]) is None


def test_the_first_id_counts() -> None:
    """A payload may name the conversation again; the first one read is the request's."""
    assert found_in(b'{"conversation_id":"a","payload":{"conversation_id":"b"}}', [3]) == "a"


def test_a_body_broken_off_half_way_has_been_counted_as_far_as_it_came() -> None:
    """Bytes are counted chunk by chunk, so that the journal tells how far a client that left had come."""

    async def broken_off() -> AsyncIterator[bytes]:
        yield b"12345"
        yield b"678"
        raise ConnectionResetError

    counted: list[int] = []
    with pytest.raises(ConnectionResetError):
        asyncio.run(read_body(broken_off(), counted.append, None))
    assert counted == [5, 3]
