"""A bench for the holes of the report's fix: the worker inside the test's process, on a real broker and database.

The tests of ``test_holes_*.py`` stand on it. It runs the same consumer and the same retry job as the command line does,
without the second that a process takes to start: each hole is tried with two presets, most of them on two databases.
What only a process can show (memory, signals, a crash) is tried with ``worker_bench`` alone.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from harness.environment.broker.work_queue import work_queue
from harness.environment.database.databases import SQLITE
from tests.worker_bench import ANSWER, LIMIT_S, Bench, BenchParts, make_schema
from worker_under_test.assembly import assembled_consumer, assembled_retry_job
from worker_under_test.config_settings import load_settings
from worker_under_test.remedies import chosen
from worker_under_test.worker_stats import WorkerStats, stats_written

POSTMORTEM, FIXED = "postmortem", "fixed"

falls_in_or_not = pytest.mark.parametrize("preset", [POSTMORTEM, FIXED])


@dataclass
class HoleParts:
    """What the tests of a module share: the bench's parts, and a migrated database for each schema and back end."""

    bench: BenchParts
    urls: dict[tuple[str, str], str] = field(default_factory=dict)

    @contextlib.contextmanager
    def ground(self, name: str, folder: Path, database: str = SQLITE, schema: str = FIXED) -> Iterator[Bench]:
        """Yield a queue of one test, and empty tables with the CHECK of ``schema``, a preset."""
        self.bench.mem0.put_rules([], ANSWER)
        self.bench.journal.write_text("")
        key = (database, schema)
        if key not in self.urls:
            made = self.bench.databases(database).fresh(f"holes-{schema}")
            self.urls[key] = self.bench.stack.enter_context(made)
            make_schema(self.urls[key], schema)
        with work_queue(self.bench.node, f"test/{name}", "conversation_events_processing") as queue:
            bench = Bench(queue, self.bench.mem0, self.bench.scope, folder, self.bench.journal, self.urls[key])
            bench.execute("DELETE FROM conversation_event_messages")
            bench.execute("DELETE FROM conversation_events")
            yield bench
            self.bench.mem0.release()


@contextlib.contextmanager
def running(bench: Bench, preset: str, with_: str = "", without: str = "") -> Iterator[WorkerStats]:
    """Run a worker of ``preset`` in a thread; at the end hung calls are let go, and it drains."""
    remedies = chosen.choose(preset, None, with_.split(), without.split())
    settings = load_settings(bench.environment(), remedies)
    stopping, stats = threading.Event(), WorkerStats()
    with (
        assembled_consumer(settings, remedies, stats, stopping) as consumer,
        stats_written(stats, settings.stats_file, settings.stats_interval_s),
    ):
        thread = threading.Thread(target=consumer.run, name="consumer")
        thread.start()
        try:
            yield stats
        finally:
            bench.mem0.put_rules([], ANSWER)
            bench.mem0.release()
            stopping.set()
            thread.join(LIMIT_S)
            consumer.executor.shutdown()
            assert not thread.is_alive()


def retried(bench: Bench, now: datetime, preset: str, with_: str = "") -> dict[str, int]:
    """Run the retry job of ``preset`` once, at the time ``now``; return its stats."""
    remedies = chosen.choose(preset, None, with_.split(), [])
    settings = load_settings(bench.environment(), remedies)
    with assembled_retry_job(settings, remedies, lambda: now, threading.Event()) as job:
        return job.process_failed_events().as_dict()
