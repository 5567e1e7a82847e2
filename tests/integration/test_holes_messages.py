"""Holes 1, 5, 6, 7, 8, 13 and 14 of the report's fix: what becomes of a message, on a real broker and real databases.

Each test is run with ``postmortem``, which falls into the hole, and with ``fixed``, which does not; where something is
recorded, on SQLite and on PostgreSQL. The numbers are those of the incident's list of contradictions, which
``docs/explanation/what-the-fix-misses.md`` goes through.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from harness.environment.database.databases import SQLITE
from harness.waiting import wait_for
from tests.hole_bench import FIXED, POSTMORTEM, HoleParts, falls_in_or_not, running
from tests.worker_bench import (
    ANSWER,
    FAIL_AT_ONCE,
    HANG,
    LIMIT_S,
    Bench,
    bench_parts,
    conversation,
    on_both_databases,
)

pytestmark = pytest.mark.integration

TIMED_OUT = ("FAILED", "MEMORY_API_TIMEOUT")
ERRED = ("FAILED", "MEMORY_API_ERROR")
PROCESSED = ("PROCESSED", None)
DRIP = {"mode": "drip_body", "bytes_per_interval": 6, "interval_s": 0.1}  # the answer takes 5 s


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HoleParts]:
    """The broker, the memory API and the migrated databases of this module."""
    with bench_parts(tmp_path_factory.mktemp("holes"), "holes-messages") as started:
        yield HoleParts(started)


@pytest.fixture
def database() -> str:
    """Where a test's database is that does not say otherwise."""
    return SQLITE


@pytest.fixture
def bench(parts: HoleParts, database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A queue and empty tables of this test."""
    with parts.ground(request.node.name, tmp_path, database) as ready:
        yield ready


@falls_in_or_not
def test_hole_1_the_configured_prefetch_is_not_in_force(bench: Bench, preset: str) -> None:
    """Shows a backlog inside the worker with prefetch 10 configured; guarantees that it waits in the broker."""
    bench.mem0.put_rules([], HANG)
    bench.env["MEMORY_API_TIMEOUT_SECONDS"] = "60"
    bench.publish(*(conversation(f"c-{number}") for number in range(40)))
    with running(bench, preset):
        bench.wait_for_stats(in_flight=10, executor_queue=30 if preset == POSTMORTEM else 0)
        consumers = wait_for("the broker's word", bench.queue.consumers, timeout_s=LIMIT_S)
        prefetch = [consumer.prefetch_count for consumer in consumers]
        assert prefetch == [0 if preset == POSTMORTEM else 10]
        assert bench.stats()["delivered"] == (40 if preset == POSTMORTEM else 10)


@on_both_databases
@falls_in_or_not
def test_hole_5_an_http_500_goes_round_for_ever(bench: Bench, preset: str) -> None:
    """Shows the endless requeue; guarantees one call, a FAILED row with a code of its own, and a free queue."""
    bench.mem0.put_rules([], FAIL_AT_ONCE)
    bench.seed("c-0")
    bench.publish(conversation("c-0"))
    with running(bench, preset):
        if preset == POSTMORTEM:
            bench.wait_for_stats(nacked_requeue=5)
            assert bench.stats()["acked"] == 0
            assert bench.rows()["c-0"][0] == "PROCESSING"
            return
        bench.wait_for_rows({"c-0": ERRED})
        bench.wait_for_empty_queue()
    assert bench.calls()["c-0"] == 1


@pytest.mark.parametrize(
    "rule",
    [
        {"mode": "status", "status": 404},
        {"mode": "invalid_json"},
        {"mode": "truncated_json"},
        {"mode": "wrong_type"},
        {"mode": "reset_before"},
        {"mode": "reset_mid_body"},
        {"mode": "huge", "size_bytes": 4_000_000},
    ],
    ids=lambda rule: str(rule["mode"]),
)
def test_hole_5_no_answer_of_pika_mem0_goes_round_in_the_fixed_worker(bench: Bench, rule: dict[str, object]) -> None:
    """Guarantees that whatever the memory API answers, the message is failed once, and the queue goes on."""
    bench.mem0.put_rules([], rule)
    bench.publish(conversation("c-0"))
    with running(bench, FIXED):
        bench.wait_for_rows({"c-0": ERRED})
        bench.wait_for_stats(acked=1)
    assert bench.stats()["nacked_requeue"] == 0


@falls_in_or_not
def test_hole_6_a_dripping_answer_outlasts_the_timeout(bench: Bench, preset: str) -> None:
    """Shows a call of 5 s under a timeout of 1 s; guarantees that one second is one second, whatever drips."""
    bench.mem0.put_rules([], DRIP)
    bench.seed("c-0")
    bench.publish(conversation("c-0"))
    with running(bench, preset):
        bench.wait_for_rows({"c-0": PROCESSED if preset == POSTMORTEM else TIMED_OUT})
    if preset == POSTMORTEM:
        assert json.loads(bench.journal.read_text())["duration_s"] > 2


@pytest.mark.parametrize(
    "rule",
    [HANG, {"mode": "drip_headers"}, {"mode": "endless"}],
    ids=["hang", "drip_headers", "endless"],
)
def test_hole_6_nothing_outlasts_the_deadline_of_the_fixed_worker(bench: Bench, rule: dict[str, object]) -> None:
    """Guarantees an end of every call: by the deadline, or by the bound on the answer's size, whichever is first."""
    bench.mem0.put_rules([], rule)
    bench.publish(conversation("c-0"))
    with running(bench, FIXED):
        wait_for("the outcome", lambda: bench.rows().get("c-0") in (TIMED_OUT, ERRED), timeout_s=LIMIT_S)


@on_both_databases
@falls_in_or_not
def test_hole_7_a_failure_that_the_database_did_not_take_is_acknowledged(bench: Bench, preset: str) -> None:
    """Shows a message that is in no queue and in no FAILED row; guarantees that it stays with the broker meanwhile."""
    bench.mem0.put_rules([], HANG)
    bench.seed("c-0")
    bench.publish(conversation("c-0"))
    with running(bench, preset):
        wait_for("the call", lambda: bench.mem0.stats()["hung"] == 1, timeout_s=LIMIT_S)
        bench.rename_table("conversation_events", "away")
        if preset == POSTMORTEM:
            bench.wait_for_stats(acked=1)
            bench.rename_table("away", "conversation_events")
            bench.wait_for_empty_queue()
        else:
            bench.wait_for_stats(nacked_requeue=1)
            assert bench.stats()["acked"] == 0
            bench.rename_table("away", "conversation_events")
            bench.wait_for_rows({"c-0": TIMED_OUT})
            bench.wait_for_empty_queue()
    assert bench.rows()["c-0"] == (("PROCESSING", None) if preset == POSTMORTEM else TIMED_OUT)


@on_both_databases
@falls_in_or_not
def test_hole_8_a_message_without_a_row_is_lost(bench: Bench, preset: str) -> None:
    """Shows messages dropped and timeouts acknowledged that nothing knows of; guarantees a row for each of them."""
    ids = [f"c-{number}" for number in range(12)]
    bench.mem0.put_rules([], HANG)
    bench.env.update(MAX_WORKERS="2", QUEUE_MAX_SIZE="5")
    bench.publish(*(conversation(each) for each in ids))
    with running(bench, preset, without="prefetch_in_force"):
        bench.wait_for_stats(failed=6, timeouts=1)
        bench.mem0.put_rules([], ANSWER)
        bench.wait_for_empty_queue()
    if preset == POSTMORTEM:
        assert bench.stats()["nacked_dropped"] == 6
        assert bench.rows() == {}
    else:
        assert bench.stats()["nacked_dropped"] == 0
        assert set(bench.rows()) == set(ids)
        assert {("FAILED", "QUEUE_FULL"), TIMED_OUT} <= set(bench.rows().values())


@falls_in_or_not
def test_hole_13_the_bounded_queue_is_dead_code_with_the_prefetch_in_force(bench: Bench, preset: str) -> None:
    """Shows 48 messages waiting in the worker under a bound of 80; guarantees one that acts at this prefetch too."""
    ids = [f"c-{number}" for number in range(60)]
    bench.mem0.put_rules([], HANG)
    bench.env.update(MAX_WORKERS="2", RABBITMQ_PREFETCH_COUNT="50", MEMORY_API_TIMEOUT_SECONDS="60")
    bench.seed(*ids)
    bench.publish(*(conversation(each) for each in ids))
    with running(bench, preset, with_="prefetch_in_force"):
        if preset == POSTMORTEM:
            bench.wait_for_stats(executor_queue=48)
        else:
            bench.wait_for_stats(executor_queue=38, failed=20)
    refused = [code for _, code in bench.rows().values()].count("QUEUE_FULL")
    assert refused == (0 if preset == POSTMORTEM else 20)


@on_both_databases
@falls_in_or_not
def test_hole_14_what_was_recorded_before_a_crash_is_done_again(bench: Bench, preset: str) -> None:
    """Shows a second call for a conversation that is PROCESSED; guarantees an ack without one."""
    bench.seed("c-0", status="PROCESSED")
    bench.seed("c-1")
    bench.publish(conversation("c-0"), conversation("c-1"))
    with running(bench, preset):
        bench.wait_for_stats(acked=2)
        bench.wait_for_rows({"c-0": PROCESSED, "c-1": PROCESSED})
    assert bench.calls() == ({"c-0": 1, "c-1": 1} if preset == POSTMORTEM else {"c-1": 1})


@on_both_databases
@falls_in_or_not
def test_hole_14_a_call_that_succeeded_is_repeated_because_it_was_not_recorded(bench: Bench, preset: str) -> None:
    """Shows a second call after a database outage; guarantees that an answer which could not be written is kept."""
    bench.mem0.put_rules([], {"mode": "answer", "latency": {"seconds": 1.0}})
    bench.env["MEMORY_API_TIMEOUT_SECONDS"] = "30"
    bench.seed("c-0")
    bench.publish(conversation("c-0"))
    with running(bench, preset):
        wait_for("the call", lambda: bench.mem0.stats()["open"] == 1, timeout_s=LIMIT_S)
        bench.rename_table("conversation_events", "away")
        bench.wait_for_stats(nacked_requeue=1)
        bench.rename_table("away", "conversation_events")
        bench.wait_for_rows({"c-0": PROCESSED})
        bench.wait_for_stats(acked=1)
    assert bench.calls()["c-0"] == (2 if preset == POSTMORTEM else 1)


def losses(log: list[EventDict]) -> list[str]:
    """Return why the worker lost its connection or its channel, each time."""
    return [entry["error"] for entry in log if entry["event"] == "connection_lost"]


@falls_in_or_not
def test_hole_14_a_lost_connection_repeats_calls_and_settles_other_messages(bench: Bench, preset: str) -> None:
    """Shows calls made twice, and tags of a dead channel that cost the next one; guarantees neither."""
    ids = [f"c-{number}" for number in range(5)]
    bench.mem0.put_rules([], HANG)
    bench.env["MEMORY_API_TIMEOUT_SECONDS"] = "60"
    bench.seed(*ids)
    bench.publish(*(conversation(each) for each in ids))
    with capture_logs() as log, running(bench, preset):
        wait_for("five calls", lambda: bench.mem0.stats()["hung"] == 5, timeout_s=LIMIT_S)
        bench.lose_connection()
        bench.wait_for_stats(delivered=10)
        if preset == POSTMORTEM:
            wait_for("the same five again", lambda: bench.mem0.stats()["hung"] == 10, timeout_s=LIMIT_S)
        bench.mem0.put_rules([], ANSWER)
        bench.mem0.release()
        if preset == POSTMORTEM:
            wait_for("a channel closed for a tag", lambda: len(losses(log)) > 1, timeout_s=LIMIT_S)
        else:
            bench.wait_for_stats(acked=5)
    if preset == POSTMORTEM:
        assert any("Channel" in loss for loss in losses(log))
        assert min(bench.calls().values()) >= 2
    else:
        assert len(losses(log)) == 1
        assert bench.calls() == dict.fromkeys(ids, 1)
        assert set(bench.rows().values()) == {ERRED}


def test_what_the_database_refuses_for_its_content_is_put_aside(bench: Bench) -> None:
    """Guarantees a dead letter, through its exchange, for a message that no redelivery can help."""
    bench.execute("CREATE TRIGGER refuse BEFORE INSERT ON conversation_events BEGIN SELECT RAISE(ABORT, 'no'); END")
    bench.publish(conversation("c-0"))
    try:
        with running(bench, FIXED):
            bench.wait_for_stats(acked=1)
    finally:
        bench.execute("DROP TRIGGER refuse")
    [(body, reason)] = bench.dead_letters()
    assert body == conversation("c-0")
    assert "refuses" in reason
