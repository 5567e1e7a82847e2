"""The bodies: conversation logs of an exact size, in the message's agreed shape, the same for the same seed."""

import json
import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.incidents.pika_mem0.payload import ID_BYTES, PAYLOAD
from harness.incidents.pika_mem0.phrases import ENGLISH, VIETNAMESE
from harness.load.payload import build_pool
from harness.message_ids import INDEX_MAX, SEED_MAX, message_id
from harness.protocols.payload import BODY_BYTES_MAX, BODY_BYTES_MIN, POOL_MAX, PayloadSizes

INCIDENT_SIZES = PayloadSizes(min_bytes=2_900_000, max_bytes=3_200_000)


@settings(max_examples=60)
@given(seed=st.integers(0, SEED_MAX), size_bytes=st.integers(BODY_BYTES_MIN, 40_000))
def test_a_body_has_exactly_the_size_asked_for(seed: int, size_bytes: int) -> None:
    """The scenario's sizes are what the worker's memory is judged by: not a byte more or less, and still valid JSON."""
    (template,) = build_pool(PAYLOAD, seed, PayloadSizes(size_bytes, size_bytes, templates=1))

    body = template.body(message_id(seed, 7, "conv"))

    assert len(body) == template.size_bytes == size_bytes
    assert json.loads(body.decode())["conversation_id"] == message_id(seed, 7, "conv")


def test_bodies_of_the_incident_have_the_agreed_shape() -> None:
    """Keys, order, roles and row sizes are those of "The message" in the contracts: a thousand rows of about 3 kB."""
    body = build_pool(PAYLOAD, 11, INCIDENT_SIZES)[0].body(message_id(11, 42, "conv"))

    message = json.loads(body)

    assert list(message) == ["conversation_id", "user_id", "bot_id", "conversation_log"]
    rows = message["conversation_log"]
    assert 900 <= len(rows) <= 1_100
    assert all(list(row) == ["role", "content", "timestamp"] for row in rows)
    assert [row["role"] for row in rows[:4]] == ["user", "assistant", "user", "assistant"]
    row_bytes = [len(row["content"].encode()) for row in rows]
    assert min(row_bytes) > 1_000
    assert max(row_bytes) < 6_000
    stamps = [datetime.fromisoformat(row["timestamp"]) for row in rows]
    assert stamps == sorted(stamps)


def test_text_is_vietnamese_and_english_and_unescaped() -> None:
    """Every row holds a character beyond Latin-1, which doubles its size in memory, as it did in the incident."""
    body = build_pool(PAYLOAD, 11, PayloadSizes(100_000, 100_000))[0].body(message_id(11, 0, "conv"))

    rows = json.loads(body)["conversation_log"]

    assert b"\\u" not in body
    assert all(max(row["content"]) > "\xff" for row in rows)
    text = " ".join(row["content"] for row in rows)
    assert any(phrase in text for phrase in ENGLISH)
    assert any(phrase in text for phrase in VIETNAMESE)


def test_no_phrase_needs_escaping_and_every_vietnamese_one_is_wide() -> None:
    """What ``phrases`` promises and the exact sizes stand on."""
    assert all(json.dumps(phrase, ensure_ascii=False) == f'"{phrase}"' for phrase in VIETNAMESE + ENGLISH)
    assert all(max(phrase) > "\xff" for phrase in VIETNAMESE)
    assert all(phrase.isascii() for phrase in ENGLISH)


def test_the_same_seed_gives_the_same_pool_and_another_gives_another() -> None:
    """A run is replayed from its seed: bodies included."""
    sizes = PayloadSizes(20_000, 30_000)

    assert build_pool(PAYLOAD, 3, sizes) == build_pool(PAYLOAD, 3, sizes)
    assert build_pool(PAYLOAD, 3, sizes) != build_pool(PAYLOAD, 4, sizes)


def test_sizes_are_spread_between_the_two_limits() -> None:
    """A pool is not one size eight times; none lies outside the limits."""
    pool = build_pool(PAYLOAD, 3, PayloadSizes(20_000, 30_000))

    sizes_bytes = {template.size_bytes for template in pool}

    assert len(pool) == 8
    assert len(sizes_bytes) > 4
    assert all(20_000 <= size_bytes <= 30_000 for size_bytes in sizes_bytes)


def test_the_incidents_pool_is_built_before_anybody_waits_for_it() -> None:
    """Publishers build it while they start: under a second and a half of processor time."""
    started_s = time.process_time()

    build_pool(PAYLOAD, 1, INCIDENT_SIZES)

    assert time.process_time() - started_s < 1.5


@pytest.mark.parametrize(
    ("min_bytes", "max_bytes", "templates", "named"),
    [
        (BODY_BYTES_MIN - 1, 5_000, 8, str(BODY_BYTES_MIN - 1)),
        (5_000, 4_999, 8, "min <= max"),
        (5_000, BODY_BYTES_MAX + 1, 8, str(BODY_BYTES_MAX)),
        (5_000, 5_000, 0, "0 templates"),
        (5_000, 5_000, POOL_MAX + 1, str(POOL_MAX)),
    ],
)
def test_impossible_sizes_are_refused(min_bytes: int, max_bytes: int, templates: int, named: str) -> None:
    """The error names the value and what is possible."""
    with pytest.raises(UsageError, match=named):
        PayloadSizes(min_bytes, max_bytes, templates)


def test_a_body_refuses_an_id_that_does_not_fit_its_gap() -> None:
    """A longer id would change the size that was promised."""
    (template,) = build_pool(PAYLOAD, 1, PayloadSizes(2_000, 2_000, templates=1))

    with pytest.raises(ValueError, match=f"room for {ID_BYTES}"):
        template.body("conv-1")


@given(seed=st.integers(0, SEED_MAX), index=st.integers(0, INDEX_MAX))
def test_every_id_has_the_same_length(seed: int, index: int) -> None:
    """Templates leave room for exactly that length."""
    assert len(message_id(seed, index, "conv")) == ID_BYTES


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (SEED_MAX + 1, 0), (0, -1), (0, INDEX_MAX + 1)])
def test_a_seed_or_number_without_room_in_an_id_is_refused(seed: int, index: int) -> None:
    """Cutting it would make two conversations one."""
    with pytest.raises(UsageError, match="does not fit"):
        message_id(seed, index, "conv")
