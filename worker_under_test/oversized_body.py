"""A message too large to be a conversation is put aside as it arrives, before a thread has it.

Used by ``assembly`` in front of the hardened bound of the executor's queue. A prefetch of ten bounds how many bodies
the worker holds, not how large they are: RabbitMQ takes messages of up to 128 MiB. Here only one such body is held at
a time, because nothing more is read from the broker until it is a dead letter. It knows nothing of what is in a body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from worker_under_test.dead_letter_queue import put_aside
from worker_under_test.outcomes import Settlement

if TYPE_CHECKING:
    from worker_under_test.dead_letter_queue import DeadLetters
    from worker_under_test.outcomes import Delivery
    from worker_under_test.remedies.bounded_queue import Admission

logger = structlog.get_logger()


class OversizedAside:
    """An admission that asks another one about all messages of a bearable size."""

    def __init__(self, admission: Admission, dead_letters: DeadLetters, body_bytes_max: int) -> None:
        self._admission = admission
        self._dead_letters = dead_letters
        self._body_bytes_max = body_bytes_max

    def __call__(self, delivery: Delivery, waiting: int) -> Settlement | None:
        """Put an oversized message aside; to the broker, for a while, when that is not confirmed."""
        size_bytes = len(delivery.body)
        if size_bytes <= self._body_bytes_max:
            return self._admission(delivery, waiting)
        reason = f"the body has {size_bytes} bytes; at most {self._body_bytes_max} are processed"
        settlement = put_aside(self._dead_letters, delivery, reason)
        if settlement is Settlement.ACK:
            logger.error("message_oversized", size_bytes=size_bytes, body_bytes_max=self._body_bytes_max)
        return settlement
