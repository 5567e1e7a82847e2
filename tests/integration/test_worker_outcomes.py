"""What becomes of messages, on a real broker, where nothing is wrong with the fix; ``test_holes_*`` have the rest."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.environment.database.databases import SQLITE
from tests.worker_bench import (
    ANSWER,
    HANG,
    Bench,
    BenchParts,
    bench_for,
    bench_parts,
    conversation,
    on_both_databases,
)

pytestmark = pytest.mark.integration

TIMED_OUT = ("FAILED", "MEMORY_API_TIMEOUT")
PROCESSED = ("PROCESSED", None)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchParts]:
    """The broker and the memory API of this module."""
    with bench_parts(tmp_path_factory.mktemp("outcomes"), "worker-outcomes") as started:
        yield started


@pytest.fixture
def database() -> str:
    """Where a test's database is that does not say otherwise."""
    return SQLITE


@pytest.fixture
def bench(parts: BenchParts, database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A queue and a database of this test."""
    with bench_for(parts, request.node.name, tmp_path, database) as ready:
        yield ready


@pytest.mark.parametrize("preset", ["incident", "postmortem", "fixed"])
def test_every_preset_processes_what_pika_mem0_answers(bench: Bench, preset: str) -> None:
    """Guarantees the healthy flow: one call and one PROCESSED row for each message, and exit 0 on SIGTERM."""
    ids = [f"{preset}-{number}" for number in range(20)]
    bench.seed(*ids)
    with bench.worker("--preset", preset):
        bench.publish(*(conversation(each) for each in ids))
        bench.wait_for_rows(dict.fromkeys(ids, PROCESSED))
        bench.wait_for_empty_queue()
    assert bench.stats()["acked"] == bench.stats()["processed"] == 20
    assert bench.calls() == dict.fromkeys(ids, 1)


@pytest.mark.parametrize("preset", ["postmortem", "fixed"])
def test_a_timeout_is_failed_and_acknowledged_with_one_alert(bench: Bench, preset: str) -> None:
    """Guarantees the report's outcome where nothing else is wrong, and one HIGH alert for a workload of timeouts."""
    bench.mem0.put_rules([], HANG)
    ids = [f"c-{number}" for number in range(12)]
    bench.seed(*ids)
    with bench.worker("--preset", preset):
        bench.publish(*(conversation(each) for each in ids))
        bench.wait_for_rows(dict.fromkeys(ids, TIMED_OUT))
        bench.wait_for_empty_queue()
    assert bench.stats()["timeouts"] == bench.stats()["acked"] == 12
    assert [(alert["level"], alert["alert_type"]) for alert in bench.alerts] == [("HIGH", "EXTERNAL_API_TIMEOUT")]


def test_the_original_requeues_a_timeout(bench: Bench) -> None:
    """Guarantees the worker as it was: no outcome, ever, while the memory API hangs."""
    bench.mem0.put_rules([], HANG)
    bench.env["MEMORY_API_TIMEOUT_SECONDS"] = "0.3"
    bench.seed("c-0")
    with bench.worker("--preset", "incident"):
        bench.publish(conversation("c-0"))
        bench.wait_for_stats(timeouts=3, nacked_requeue=3)
    assert bench.stats()["acked"] == 0


def test_what_is_too_large_is_put_aside_unread(bench: Bench) -> None:
    """Guarantees a dead letter for each body beyond the limit, valid or not, no call, and that the queue goes on."""
    bench.env["MESSAGE_BODY_BYTES_MAX"] = "20000"
    large = [conversation(f"large-{number:02d}", row_length=10_000) for number in range(12)]
    with bench.worker("--preset", "fixed"):
        bench.publish(*large, conversation("small"))
        bench.wait_for_rows({"small": ("PROCESSED", None)})
        bench.wait_for_empty_queue()
    letters = bench.dead_letters()
    assert [body for body, _ in letters] == large
    assert {reason for _, reason in letters} == {f"the body has {len(large[0])} bytes; at most 20000 are processed"}
    assert set(bench.calls()) == {"small"}


def test_what_is_no_conversation_is_put_aside(bench: Bench) -> None:
    """Guarantees a dead letter for a poison message, with its reason, and that the queue goes on."""
    bench.seed("c-0")
    with bench.worker("--preset", "fixed"):
        bench.publish(b"not JSON at all", conversation("c-0"))
        bench.wait_for_rows({"c-0": PROCESSED})
        bench.wait_for_empty_queue()
    [(body, reason)] = bench.dead_letters()
    assert body == b"not JSON at all"
    assert "expected {" in reason


@on_both_databases
@pytest.mark.parametrize("preset", ["postmortem", "fixed"])
def test_the_retry_job_processes_what_timed_out_once_it_is_due(bench: Bench, preset: str) -> None:
    """Guarantees the second half of the fix: what the worker marked FAILED is processed from its kept message."""
    bench.mem0.put_rules([], HANG)
    bench.seed("c-0", "c-1")
    with bench.worker("--preset", preset):
        bench.publish(conversation("c-0"), conversation("c-1"))
        bench.wait_for_rows({"c-0": TIMED_OUT, "c-1": TIMED_OUT})
    bench.mem0.put_rules([], ANSWER)

    def retry(after: timedelta) -> dict[str, int]:
        printed = bench.command("retry", "--preset", preset, "--now", (datetime.now(UTC) + after).isoformat())
        stats: dict[str, int] = json.loads(next(line for line in printed.splitlines() if line.startswith("{")))
        return stats

    assert retry(timedelta(hours=4)) == {"total": 0, "processed": 0, "failed": 0, "skipped": 0}
    assert retry(timedelta(hours=8)) == {"total": 2, "processed": 2, "failed": 0, "skipped": 0}
    assert bench.rows() == {"c-0": PROCESSED, "c-1": PROCESSED}
