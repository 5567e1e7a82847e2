"""Marks an event PROCESSED, and leaves its friendship score out."""

from typing import Any

from worker_under_test.conversation_event_repository import ConversationEventRepository

SCENARIO = "stream"
CAUGHT_BY = "results recorded"


def mutate() -> None:
    """Take the score away again."""
    mark = ConversationEventRepository.mark_processed

    def forgetful(self: Any, event: Any, friendship_score: float) -> None:
        mark(self, event, friendship_score)
        event.friendship_score = None

    ConversationEventRepository.mark_processed = forgetful
