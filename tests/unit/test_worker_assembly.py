"""The remedies put together: every combination of one more and one less is a worker that works."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.socket_server import answer, served_by
from worker_under_test.assembly import assembled_consumer
from worker_under_test.config_settings import load_settings
from worker_under_test.conversation_event_model import ConversationEvent
from worker_under_test.database import create_schema, open_database, session_factory
from worker_under_test.remedies import chosen
from worker_under_test.remedies.chosen import Remedies
from worker_under_test.worker_stats import WorkerStats

BODY = (
    b'{"conversation_id": "c-0", "user_id": "u", "bot_id": "b", "conversation_log": ['
    b'{"role": "user", "content": "xin chao", "timestamp": "2026-01-01T11:42:04Z"}]}'
)


class Broker:
    """Connection and channel in one: runs callbacks at once, and notes what is settled."""

    def __init__(self) -> None:
        self.settled: list[str] = []

    def add_callback_threadsafe(self, callback: Callable[[], None]) -> None:
        """Run it, as the I/O loop would."""
        callback()

    def call_later(self, _delay_s: float, callback: Callable[[], None]) -> None:
        """Run it, without the delay."""
        callback()

    def basic_ack(self, tag: int) -> None:
        """Note it."""
        self.settled.append(f"ack {tag}")

    def basic_nack(self, tag: int, *, requeue: bool) -> None:
        """Note it."""
        self.settled.append(f"nack {tag} requeue={requeue}")


def processed_by(remedies: Remedies, folder: Path, memory_api_url: str) -> tuple[list[str], str]:
    """Have a worker with ``remedies`` process one message; return what it settled and the event's status."""
    environ = {"DATABASE_URL": f"sqlite:///{folder}/events.db", "MEMORY_API_URL": memory_api_url}
    settings = load_settings({**environ, "REQUEUE_BACKOFF_SECONDS": "0"}, remedies)
    engine = open_database(settings.database_url, connections_max=1)
    create_schema(engine, remedies.retry_limit)
    sessions = session_factory(engine)
    with sessions.begin() as db:
        db.add(ConversationEvent(conversation_id="c-0"))
    stats, broker = WorkerStats(), Broker()
    with assembled_consumer(settings, remedies, stats, threading.Event()) as consumer:
        consumer.connection = consumer.channel = broker
        consumer.callback(None, Method(7), None, BODY)
        consumer.executor.shutdown()
    with sessions() as db:
        status = db.scalars(select(ConversationEvent.status)).one()
    engine.dispose()
    assert stats.unfinished == 0
    return broker.settled, status


@dataclass(frozen=True)
class Method:
    """What pika hands along with a body."""

    delivery_tag: int


CHANGES = [
    *(pytest.param("fixed", [], [name], id=f"fixed without {name}") for name in chosen.names()),
    *(pytest.param("incident", [name], [], id=f"incident with {name}") for name in chosen.names()),
    *(pytest.param("postmortem", [name], [], id=f"postmortem with {name}") for name in chosen.names()),
]


@pytest.mark.parametrize(("preset", "with_", "without"), CHANGES)
def test_one_remedy_more_or_less_is_a_worker_that_works(
    preset: str, with_: list[str], without: list[str], tmp_path: Path
) -> None:
    """Guarantees that the remedies are independent: what each one is worth can be measured by leaving it out."""
    with served_by(answer) as url:
        settled, status = processed_by(chosen.choose(preset, None, with_, without), tmp_path, url)
    assert (settled, status) == (["ack 7"], "PROCESSED")


@pytest.mark.parametrize(
    ("preset", "settled", "status"),
    [
        ("incident", "nack 7 requeue=True", "PROCESSING"),
        ("postmortem", "nack 7 requeue=True", "PROCESSING"),
        ("fixed", "ack 7", "FAILED"),
    ],
)
def test_a_failed_message_is_settled_by_every_preset(preset: str, settled: str, status: str, tmp_path: Path) -> None:
    """Guarantees that the test above can fail: with a memory API that hangs up, the outcomes are each preset's own."""
    with served_by(lambda _connection, _over: None) as url:
        assert processed_by(chosen.BY_PRESET[preset], tmp_path, url) == ([settled], status)
