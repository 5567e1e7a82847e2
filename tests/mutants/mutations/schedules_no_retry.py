"""Marks an event FAILED, and forgets to say when it is to be tried again: it never is."""

from typing import Any

from worker_under_test.conversation_event_repository import ConversationEventRepository

SCENARIO = "workload"
CAUGHT_BY = "failures recorded"


def mutate() -> None:
    """Take the time away again."""
    mark = ConversationEventRepository.mark_failed

    def forgetful(self: Any, event: Any, *told: Any) -> None:
        mark(self, event, *told)
        event.next_attempt_at = None

    ConversationEventRepository.mark_failed = forgetful
