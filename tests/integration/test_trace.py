"""``harness trace`` on what a real kill leaves: the call that was cut, the kill, the redelivery and its call."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.environment.broker.queue_contents import queues_left
from harness.environment.process import Child
from harness.incidents.pika_mem0.outcomes import ConversationEvents
from harness.record import Limit
from harness.store import RunFolder, TrialFolder, write_atomically
from harness.store.publish_journal import JournalWriter, PublishLine
from harness.waiting import wait_for
from tests.drill_records import run_of
from tests.worker_bench import ANSWER, CHECKOUT, HANG, LIMIT_S, Bench, bench_for, bench_parts, conversation, read_lines

pytestmark = pytest.mark.integration


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A queue, a database and a pika-mem0 of this test."""
    with bench_parts(tmp_path, "trace") as parts, bench_for(parts, "trace", tmp_path) as ready:
        yield ready


def published(bench: Bench, name: str, journal: JournalWriter) -> None:
    """Publish one message as the publishers do, with both lines in their journal."""
    sent_s = time.monotonic()
    line = PublishLine(
        message_id=name,
        intended_mono_s=sent_s,
        sent_mono_s=sent_s,
        confirmed_mono_s=None,
        size_bytes=1000,
        error=None,
    )
    journal.write(line)
    bench.publish(conversation(name))
    journal.write(line.ended(confirmed_mono_s=time.monotonic(), error=None))


def killed_in_its_call(bench: Bench, trial: TrialFolder, worker: Child) -> None:
    """Kill the worker while its call hangs, and write the incarnation as the supervisor does."""
    wait_for("a call that hangs", lambda: bench.mem0.stats()["hung"], timeout_s=LIMIT_S)
    worker.signal(signal.SIGKILL)
    status = worker.wait(LIMIT_S)
    trial.event("worker_ended", incarnation=0, exit_status=status, oom_kill_delta=0, ended_by="an unknown SIGKILL")
    wait_for("the cut call in the journal", lambda: read_lines(bench.journal), timeout_s=LIMIT_S)


def told(run: Path, *arguments: str) -> Any:
    """Run the command line; return the document it prints."""
    argv = [sys.executable, "-m", "harness", "trace", str(run), *arguments, "--json"]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return json.loads(done.stdout)


def test_a_message_that_was_redelivered_after_a_kill_has_its_story_told(bench: Bench, tmp_path: Path) -> None:
    """Guarantees the order of things, and one side effect: the call that was cut stored nothing."""
    bench.env["MEMORY_API_TIMEOUT_SECONDS"] = str(LIMIT_S)
    run = RunFolder(tmp_path / "run", "now")
    run.path.mkdir()
    run.write_manifest(run_of().manifest, "{}")
    trial = run.trial("fixed", "after")
    trial.start(time.monotonic(), planned_messages=1, limit=Limit("none", emulated=True, limit_bytes=1))
    bench.seed("m")
    bench.mem0.put_rules([], HANG)
    with JournalWriter(trial.path / "publishes.jsonl") as journal, bench.worker("--preset", "fixed") as worker:
        trial.event("worker_started", incarnation=0, pid=worker.pid)
        published(bench, "m", journal)
        killed_in_its_call(bench, trial, worker)
    bench.mem0.put_rules([], ANSWER)
    with bench.child("worker", ("--preset", "fixed")) as second:
        trial.event("worker_started", incarnation=1, pid=second.pid)
        bench.wait_for_rows({"m": ("PROCESSED", None)})
        second.signal(signal.SIGTERM)
        assert second.wait(LIMIT_S) == 0
    trial.event("drain_ended", complete=True, waited_s=0.0, last_seen="0 ready")
    shutil.copy(bench.journal, trial.path / "calls.jsonl")
    write_atomically(
        trial.path / "outcomes.json",
        json.dumps([asdict(row) for row in ConversationEvents(bench.database_url).outcomes()]),
    )
    write_atomically(
        trial.path / "queues.json", json.dumps([asdict(left) for left in queues_left(bench.queue, "conversation_id")])
    )

    (arm,) = told(run.path, "m")["arms"]

    assert (arm["outcome"], arm["calls"], arm["side_effects"], arm["unsound"]) == ("processed", 2, 1, [])
    story = [(moment["kind"], moment["text"]) for moment in arm["moments"]]
    kinds = [kind for kind, _ in story]
    first, second_call = [at for at, kind in enumerate(kinds) if kind == "call_began"]
    killed = kinds.index("worker_ended")
    assert kinds.index("published") < kinds.index("confirmed")
    assert kinds.index("published") < first < killed < kinds.index("worker_started") < second_call
    assert "cut by the end of incarnation 0 (an unknown SIGKILL)" in story[kinds.index("call_ended")][1]
    assert "exit status 137" in story[killed][1]
    assert "by incarnation 1 of the worker, redelivered" in story[second_call][1]
    assert story[-1] == ("row", "its row says PROCESSED, 0 retries")
