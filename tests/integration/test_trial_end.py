"""How a trial ends: the retry job is played through its hours, and what the queues still hold is looked into."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environment.broker.queue_contents import queues_left
from harness.incidents.pika_mem0.outcomes import ConversationEvents
from harness.incidents.pika_mem0.worker import WORKER
from harness.record import Limit, QueueKind, QueueLeft
from harness.scenario import WorkerSpec
from harness.store import TrialFolder
from harness.store.tolerant import read_json_lines
from harness.trial.retry_job import play_retry_job
from tests.worker_bench import ANSWER, CHECKOUT, FAIL_AT_ONCE, Bench, BenchParts, bench_for, bench_parts, conversation

pytestmark = pytest.mark.integration

FIXED = WorkerSpec(preset="fixed")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchParts]:
    """The broker and the memory API of this module."""
    with bench_parts(tmp_path_factory.mktemp("end"), "trial-end") as started:
        yield started


@pytest.fixture
def bench(parts: BenchParts, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A queue and a database of this test."""
    with bench_for(parts, request.node.name, tmp_path) as ready:
        yield ready


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    """A trial's folder that has begun."""
    trial = TrialFolder(tmp_path / "trial", "fixed", "after")
    trial.logs.mkdir(parents=True)
    trial.start(trial.start_mono_s, planned_messages=2, limit=Limit("none", emulated=True, limit_bytes=1))
    return trial


def play_the_job(bench: Bench, folder: TrialFolder, jobs: int = 1) -> None:
    """Play the fixed worker's retry job, as the end of a trial does."""
    play_retry_job(
        lambda now: WORKER.retry_argv(FIXED, now),
        bench.environment(),
        ConversationEvents(bench.database_url),
        folder,
        root=CHECKOUT,
        limit_s=60.0,
        jobs=jobs,
    )


def test_what_failed_in_the_workload_is_retried_and_what_is_poison_is_found(bench: Bench, folder: TrialFolder) -> None:
    """Guarantees an end at which no event waits for a retry, and queues whose messages are all known by name."""
    bench.mem0.put_rules([], FAIL_AT_ONCE)
    bench.seed("a", "b")
    poison = b'{"conversation_id": "p", "conversation_log": 7}'
    with bench.worker("--preset", "fixed"):
        bench.publish(conversation("a"), conversation("b"), poison, b"not JSON")
        bench.wait_for_rows(dict.fromkeys("ab", ("FAILED", "MEMORY_API_ERROR")))
        bench.wait_for_empty_queue()
    bench.publish(conversation("late"))
    bench.mem0.put_rules([], ANSWER)

    play_the_job(bench, folder)

    assert {name: status for name, (status, _) in bench.rows().items() if name in "ab"} == {
        "a": "PROCESSED",
        "b": "PROCESSED",
    }
    work, dead = sorted(queues_left(bench.queue, "conversation_id"), key=lambda queue: queue.name)
    assert work == QueueLeft(bench.queue.name, QueueKind.WORK, 1, ("late",))
    assert (dead.name, dead.is_work, dead.messages) == (f"{bench.queue.name}.dead", False, 2)
    assert set(dead.message_ids) == {"p", None}
    assert {queue.messages for queue in queues_left(bench.queue, "conversation_id")} == {
        1,
        2,
    }  # looking took nothing away


def test_two_jobs_at_once_divide_the_events(bench: Bench, folder: TrialFolder) -> None:
    """Guarantees that both run, with a log each, and that no event is called for twice."""
    names = [f"herd-{number}" for number in range(30)]
    bench.mem0.put_rules([], FAIL_AT_ONCE)
    bench.seed(*names)
    with bench.worker("--preset", "fixed"):
        bench.publish(*(conversation(name) for name in names))
        bench.wait_for_rows(dict.fromkeys(names, ("FAILED", "MEMORY_API_ERROR")))
        bench.wait_for_empty_queue()
    bench.mem0.put_rules([], ANSWER)

    play_the_job(bench, folder, jobs=2)

    assert set(bench.rows().values()) == {("PROCESSED", None)}
    assert bench.calls() == dict.fromkeys(names, 2)  # the one that failed, and one retry
    done = [json.loads((folder.logs / f"retry-0-{job}.log").read_text().splitlines()[-1]) for job in range(2)]
    assert sum(job["processed"] for job in done) == len(names)


def test_a_job_that_breaks_is_said_and_ends_the_rounds(bench: Bench, folder: TrialFolder) -> None:
    """Guarantees that a job which can't run leaves its events FAILED and its exit status on record, and no loop."""
    bench.seed("a", status="FAILED")
    bench.execute("UPDATE conversation_events SET next_attempt_at = '2026-01-01 18:00:00.000000'")
    false = shutil.which("false") or sys.executable

    play_retry_job(
        lambda _now: (false,),
        bench.environment(),
        ConversationEvents(bench.database_url),
        folder,
        root=CHECKOUT,
        limit_s=60.0,
    )

    events = read_json_lines(folder.path / "events.jsonl", lambda line: line, [])
    assert [(event["kind"], event.get("exit_status")) for event in events] == [
        ("retry_job_began", None),
        ("retry_job_ended", 1),
    ]
    assert events[0]["now"] == "2026-01-01T18:00:01+00:00"
    assert bench.rows() == {"a": ("FAILED", None)}
