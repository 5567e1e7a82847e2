"""Serves the API with uvicorn until SIGTERM or SIGINT: builds its parts, and closes them at the end.

Used by ``command_line``. ``api`` handles the requests.
"""

from __future__ import annotations

import json
import math
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn

from worker_under_test.conversation_event_repository import ConversationEventRepository, RetryPolicy
from worker_under_test.database import open_database, session_factory
from worker_under_test.ingress.api import create_app
from worker_under_test.ingress.confirmed_publisher import ConfirmedPublisher
from worker_under_test.remedies import retry_schedule
from worker_under_test.remedies.behaviour import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker_under_test.config_settings import Settings
    from worker_under_test.database import SessionFactory

logger = structlog.get_logger()

# Storing an event takes milliseconds; more connections would only wait for the write lock.
_DATABASE_CONNECTIONS = 4
# Each holds a body of 3 MB while it waits: 300 MB. Beyond that uvicorn itself answers 503.
_REQUESTS_MAX = 100


def serve(settings: Settings, host: str, port: int, ready_file: str | None) -> None:
    """Serve until a signal; requests in flight get the grace. Raises OSError when the port can't be bound."""
    engine = open_database(settings.database_url, _DATABASE_CONNECTIONS)
    try:
        with socket.create_server((host, port)) as listener, ConfirmedPublisher(settings) as publisher:
            app = create_app(
                event_store(session_factory(engine), settings),
                publisher,
                body_bytes_max=settings.ingress_body_bytes_max,
                publish_timeout_s=settings.ingress_publish_timeout_s,
            )
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                limit_concurrency=_REQUESTS_MAX,
                timeout_graceful_shutdown=math.ceil(settings.shutdown_grace_s),
            )
            # uvicorn handles signals itself, and raises them again after its shutdown: those are ignored.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: None)
            bound_port = listener.getsockname()[1]
            logger.info("ingress_listening", host=host, port=bound_port)
            if ready_file is not None:
                _write_ready(Path(ready_file), bound_port)
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        engine.dispose()


def event_store(sessions: SessionFactory, settings: Settings) -> Callable[[str], None]:
    """Return a function that stores the event of a conversation as PENDING; an existing one stays as it is."""
    policy = RetryPolicy(retry_schedule.choose(Behaviour.HARDENED), settings.retry_base_hours)

    def store(conversation_id: str) -> None:
        with sessions() as db:
            ConversationEventRepository(db, policy).get_or_create(conversation_id)
            db.commit()

    return store


def _write_ready(path: Path, port: int) -> None:
    """Write the ready file in one step, so that no reader sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps({"port": port, "pid": os.getpid()}), encoding="utf-8")
    temporary.replace(path)
