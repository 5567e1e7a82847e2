"""What the queues of a trial hold at its very end: how many messages, and whose.

Used by the trial, once no worker is left. Messages are looked at and given back. A dead letter carries no message id,
so the head of its body is asked for the incident's key of the id. It judges nothing.
"""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING, Any

import pika
from pika.exceptions import AMQPError

from harness.errors import PartFailedError
from harness.record import QueueKind, QueueLeft

if TYPE_CHECKING:
    from harness.environment.broker.protocol import WorkQueue

# A queue that was drained holds none and one of dead letters a few; of a queue that nobody drained the first will do.
MESSAGES_READ_MAX = 300
_READ_TIMEOUT_S = 20.0  # 3 MB messages come at about a hundred a second
_CONNECT_TIMEOUT_S = 10.0
_HEAD_BYTES = 4096


def queues_left(queue: WorkQueue, id_key: str) -> tuple[QueueLeft, ...]:
    """Return what every queue of the trial's virtual host holds; ``id_key`` is the JSON key of a message's id.

    Raises PartFailedError.
    """
    counts = queue.counts()
    kinds = {queue.name: QueueKind.WORK, **{each.name: kind for kind, each in counts.others}}
    parameters = pika.URLParameters(queue.amqp_url())
    parameters.socket_timeout = parameters.blocked_connection_timeout = _CONNECT_TIMEOUT_S
    try:
        # Closing the connection gives every message back.
        with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
            channel = connection.channel()
            return tuple(_queue_left(channel, name, kind, id_key) for name, kind in sorted(kinds.items()))
    except (AMQPError, OSError) as error:
        raise PartFailedError(f"the queues could not be looked into: {error!r}") from error


def _queue_left(channel: Any, name: str, kind: QueueKind, id_key: str) -> QueueLeft:
    messages = int(channel.queue_declare(name, passive=True).method.message_count)
    found: list[str | None] = []
    deadline_mono_s = time.monotonic() + _READ_TIMEOUT_S
    while len(found) < MESSAGES_READ_MAX and time.monotonic() < deadline_mono_s:
        _, properties, body = channel.basic_get(name, auto_ack=False)
        if body is None:
            break
        found.append(id_of(properties.message_id, body, id_key))
    return QueueLeft(name, kind, max(messages, len(found)), tuple(found))


def id_of(message_id: str | None, body: bytes, id_key: str) -> str | None:
    """Return a message's id, by its properties or by ``id_key`` in the head of its body; None where neither has one."""
    if message_id:
        return message_id
    key = re.escape(id_key.encode())
    named = re.search(rb'"%b"\s*:\s*"([^"\\]{1,255})"' % key, body[:_HEAD_BYTES])
    return named.group(1).decode(errors="replace") if named else None
