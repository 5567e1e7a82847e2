"""The fixed worker with a memory regression planted in it: what the gate has to find. A program, no test module.

usage: python hungry_worker.py copy|leak|ballast [OPTIONS OF THE WORKER]

It changes the worker from outside, while it runs; ``worker_under_test`` stays as it is.
"""

import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from worker_under_test.command_line import main
from worker_under_test.conversation_event_processing_service import ConversationEventProcessingService

LEAK_EVERY = 200
BALLAST_BYTES = 4_700_000  # 5 % of the peak that docs/explanation/memory-gate.md has for the fixed worker

KEPT: list[bytearray] = []


def one_more_copy(original: Callable[..., None]) -> Callable[..., None]:
    """Hold a second copy of the body while a message is processed."""

    def process(service: Any, conversation: Any) -> None:
        copy = bytearray(conversation.body)
        original(service, conversation)
        del copy

    return process


def leak_of_one_in_200(original: Callable[..., None]) -> Callable[..., None]:
    """Keep one body for every 200 messages, for ever."""
    number = count(1)

    def process(service: Any, conversation: Any) -> None:
        if next(number) % LEAK_EVERY == 0:
            KEPT.append(bytearray(conversation.body))
        original(service, conversation)

    return process


def ballast(original: Callable[..., None]) -> Callable[..., None]:
    """Take some bytes at the start and keep them; change nothing else."""
    KEPT.append(bytearray(b"x") * BALLAST_BYTES)
    return original


PLANTED = {"copy": one_more_copy, "leak": leak_of_one_in_200, "ballast": ballast}

if __name__ == "__main__":
    plant = PLANTED[sys.argv.pop(1)]
    original = ConversationEventProcessingService.process_single_event_streamed
    ConversationEventProcessingService.process_single_event_streamed = plant(original)  # type: ignore[method-assign]
    main()
