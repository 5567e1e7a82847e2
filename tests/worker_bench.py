"""A bench for the worker: a real broker and a fake pika-mem0 for a module, a queue, a database and workers for a test.

The integration tests of ``worker_under_test`` stand on it. It starts workers as the harness does, as processes; what
they should have done is the tests' affair.
"""

import contextlib
import json
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika
import pytest
from sqlalchemy import Row, create_engine, text

from harness.environment.broker.broker import OwnBroker, broker
from harness.environment.broker.work_queue import WorkQueue, work_queue
from harness.environment.database.databases import POSTGRES, SQLITE, Databases, databases
from harness.environment.dependency import Dependency, running_dependency
from harness.environment.process import Child
from harness.environment.run.run_scope import RunScope
from harness.waiting import wait_for
from worker_under_test.database import create_schema, open_database
from worker_under_test.remedies import chosen

CHECKOUT = Path(__file__).resolve().parents[1]
LIMIT_S = 60.0
# Between two looks that the broker or the database has to answer: on two cores that four tests share, twenty a second
# of each would cost more than what is waited for.
LOOK_INTERVAL_S = 0.2

ANSWER = {"mode": "answer", "latency": {"seconds": 0.01}}
FAIL_AT_ONCE = {"mode": "status", "status": 500}
HANG = {"mode": "hang_forever"}


@dataclass(frozen=True)
class Bench:
    """What one test works on. ``env`` is added to the environment of every worker.

    ``database_url`` is an empty database of the test's own, on SQLite or on PostgreSQL; what the bench does with it is
    the same on both.
    """

    queue: WorkQueue
    mem0: Dependency
    scope: RunScope
    folder: Path
    journal: Path
    database_url: str
    env: dict[str, str] = field(default_factory=dict)

    @property
    def own_broker(self) -> OwnBroker:
        """The broker of the queue, which the bench started."""
        assert isinstance(self.queue.broker, OwnBroker)
        return self.queue.broker

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that were sent."""
        return read_lines(self.folder / "alerts.jsonl")

    def environment(self) -> dict[str, str]:
        """Return the environment of a worker: the contract's variables, with timers for a test."""
        contract = {
            "RABBITMQ_URL": self.queue.amqp_url(),
            "RABBITMQ_QUEUE": self.queue.name,
            "MEMORY_API_URL": self.mem0.url,
            "MEMORY_API_TIMEOUT_SECONDS": "1",
            "REQUEUE_BACKOFF_SECONDS": "0.2",
            "RECONNECT_BACKOFF_SECONDS": "0.1",
            "RECORD_HOLD_SECONDS": "0.3",
            "SHUTDOWN_GRACE_SECONDS": "5",
            "DATABASE_URL": self.database_url,
            "WORKER_STATS_FILE": str(self.folder / "stats.jsonl"),
            "ALERTS_FILE": str(self.folder / "alerts.jsonl"),
            "PYTHONPATH": str(CHECKOUT),
        }
        return self.scope.environment(**{**contract, **self.env})

    def command(self, *arguments: str) -> str:
        """Run one verb of the worker to its end; return what it printed. An exit status other than 0 fails the test."""
        with self.child("command", arguments) as child:
            assert child.wait(LIMIT_S) == 0, child.tail()
        return child.log_file.read_text()

    def child(self, name: str, arguments: tuple[str, ...]) -> Child:
        """Return a process of the worker, not started yet."""
        log = self.folder / "logs" / f"{name}-{len(list(self.folder.glob('logs/*')))}.log"
        return Child(name, [sys.executable, "-m", "worker_under_test", *arguments], self.environment(), log)

    @contextlib.contextmanager
    def worker(self, *arguments: str) -> Iterator[Child]:
        """Run a worker, and have its consumer registered; it must end with 0 on SIGTERM, unless the test ended it."""
        with self.child("worker", arguments) as child:
            _wait_for("the worker to consume", self.is_consumed, child.death)
            yield child
            if child.poll() is None:
                child.signal(signal.SIGTERM)
                assert child.wait(LIMIT_S) == 0, child.tail()

    def publish(self, *bodies: bytes) -> None:
        """Publish messages, persistent, as the API server does."""
        with self._channel() as channel:
            channel.confirm_delivery()
            for body in bodies:
                channel.basic_publish("", self.queue.name, body, pika.BasicProperties(delivery_mode=2))

    def seed(self, *conversation_ids: str, status: str = "PENDING") -> None:
        """Store events, PENDING ones as the API server does before it publishes."""
        for each in conversation_ids:
            self.execute(
                "INSERT INTO conversation_events (conversation_id, status) VALUES (:each, :status)",
                each=each,
                status=status,
            )

    def rows(self) -> dict[str, tuple[str, str | None]]:
        """Return (status, error code) of each conversation."""
        found = self.execute("SELECT conversation_id, status, error_code FROM conversation_events")
        return {row.conversation_id: (row.status, row.error_code) for row in found}

    def rename_table(self, old: str, new: str) -> None:
        """Take a table away, or bring it back: a database that answers and can't do what it is asked."""
        self.execute(f"ALTER TABLE {old} RENAME TO {new}")

    def execute(self, statement: str, **parameters: object) -> list[Row[Any]]:
        """Execute one statement in a transaction of its own; return the rows it answers."""
        engine = create_engine(self.database_url)
        try:
            with engine.begin() as connection:
                result = connection.execute(text(statement), parameters)
                return list(result) if result.returns_rows else []
        finally:
            engine.dispose()

    def stats(self) -> dict[str, int]:
        """Return the last line of the stats file; nothing while there is none."""
        lines = read_lines(self.folder / "stats.jsonl")
        return lines[-1] if lines else {}

    def wait_for_rows(self, expected: Mapping[str, tuple[str, str | None]]) -> None:
        """Wait until the table holds exactly these rows."""
        _wait_for(f"the rows {expected}", lambda: self.rows() == expected)

    def wait_for_stats(self, **least: int) -> None:
        """Wait until each of these counts was reached."""
        wait_for(
            f"the counts {least}",
            lambda: all(self.stats().get(key, 0) >= count for key, count in least.items()),
            timeout_s=LIMIT_S,
        )

    def wait_for_empty_queue(self) -> None:
        """Wait until nothing waits in the queue, and all that was delivered on one channel is settled."""
        _wait_for("an empty queue", self._is_settled)

    def messages(self) -> int:
        """Return how many messages the broker holds, in hand or not; the figure is up to a second old."""
        return self.queue.counts().work.messages

    def lose_connection(self) -> None:
        """Have the broker close the worker's connection, once it lists it: up to some seconds after it was opened."""
        api = self.queue.broker.api

        def is_listed() -> bool:
            names = {consumer.connection for consumer in self.queue.consumers()}
            return bool(names) and names <= set(api.connections())

        _wait_for("the worker's connection in the broker's list", is_listed)
        api.close_connections()

    def delete_queue(self) -> None:
        """Delete the work queue, which cancels its consumer."""
        with self._channel() as channel:
            channel.queue_delete(self.queue.name)

    def is_consumed(self) -> bool:
        """Return whether the work queue is there, with a consumer: at once, where the management API lags."""
        with self._channel() as channel:
            try:
                return bool(channel.queue_declare(self.queue.name, passive=True).method.consumer_count)
            except pika.exceptions.ChannelClosedByBroker:
                return False

    def dead_letters(self) -> list[tuple[bytes, str]]:
        """Return the dead letters, body and reason, and leave none."""
        with self._channel() as channel:
            letters: list[tuple[bytes, str]] = []
            while True:
                _, properties, body = channel.basic_get(f"{self.queue.name}.dead", auto_ack=True)
                if body is None:
                    return letters
                letters.append((body, properties.headers["reason"]))

    def _is_settled(self) -> bool:
        stats = self.stats()
        settled = sum(stats.get(key, 0) for key in ("acked", "nacked_requeue", "nacked_dropped"))
        if stats.get("delivered") != settled:
            return False
        with self._channel() as channel:
            ready = channel.queue_declare(self.queue.name, passive=True).method.message_count
        return bool(ready == 0 and self.messages() == 0)

    @contextlib.contextmanager
    def _channel(self) -> Iterator[Any]:
        with contextlib.closing(pika.BlockingConnection(pika.URLParameters(self.queue.amqp_url()))) as connection:
            yield connection.channel()

    def calls(self) -> Counter[str]:
        """Return how many calls pika-mem0 got for each conversation, those that ended."""
        return Counter(line["message_id"] for line in read_lines(self.journal))


def _wait_for(condition: str, probe: Callable[[], object], alive: Callable[[], str | None] | None = None) -> None:
    wait_for(condition, probe, timeout_s=LIMIT_S, interval_s=LOOK_INTERVAL_S, alive=alive)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON lines of ``path``; a line that is still being written is left out."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def conversation(conversation_id: str, rows: int = 3, row_length: int = 100) -> bytes:
    """Return a message as the API server publishes it."""
    log = [
        {"role": "user", "content": "ạ" * row_length, "timestamp": f"2026-01-01T11:42:{number % 60:02d}Z"}
        for number in range(rows)
    ]
    message = {"conversation_id": conversation_id, "user_id": "u", "bot_id": "b", "conversation_log": log}
    return json.dumps(message, ensure_ascii=False).encode()


@dataclass
class BenchParts:
    """What the tests of a module share. A PostgreSQL server is started for the first test that asks for it."""

    scope: RunScope
    node: OwnBroker
    mem0: Dependency
    journal: Path
    logs: Path
    stack: contextlib.ExitStack
    servers: dict[str, Databases] = field(default_factory=dict)

    def databases(self, kind: str) -> Databases:
        """Return where databases of ``kind`` are made: ``sqlite`` or ``postgres``."""
        if kind not in self.servers:
            self.servers[kind] = self.stack.enter_context(databases(kind, self.scope, self.logs))
        return self.servers[kind]


@contextlib.contextmanager
def bench_parts(folder: Path, run_id: str) -> Iterator[BenchParts]:
    """Start the parts that a module's tests share: a broker, and a pika-mem0 with its journal."""
    logs, journal = folder / "logs", folder / "calls.jsonl"
    with (
        RunScope(run_id, folder / "state") as scope,
        broker(scope, logs) as node,
        running_dependency(scope, logs, seed=1, journal=journal) as mem0,
        contextlib.ExitStack() as stack,
    ):
        yield BenchParts(scope, node, mem0, journal, logs, stack)


def make_schema(database_url: str, preset: str) -> None:
    """Do what the worker's ``migrate`` does, without the second that a process takes; the tests of it are elsewhere."""
    engine = open_database(database_url, connections_max=1)
    try:
        create_schema(engine, chosen.choose(preset, None, [], []).retry_limit)
    finally:
        engine.dispose()


# For a test of what is recorded: it runs on either database, where the module's fixture ``database`` says SQLITE to all
# others.
on_both_databases = pytest.mark.parametrize("database", [SQLITE, POSTGRES])


@contextlib.contextmanager
def bench_for(parts: BenchParts, name: str, folder: Path, database: str = SQLITE) -> Iterator[Bench]:
    """Give one test a queue and a migrated database of its own; its conversations are named after nobody else's."""
    parts.mem0.put_rules([], ANSWER)
    parts.journal.write_text("")  # fake_mem0 appends, so what follows is this test's
    with (
        work_queue(parts.node, f"test/{name}", "conversation_events_processing") as queue,
        parts.databases(database).fresh(folder.name) as database_url,
    ):
        make_schema(database_url, "fixed")
        yield Bench(queue, parts.mem0, parts.scope, folder, parts.journal, database_url)
        parts.mem0.release()
