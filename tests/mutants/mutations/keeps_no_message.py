"""Marks an event FAILED without keeping its message: the retry job has nothing to retry."""

from worker_under_test.conversation_event_repository import ConversationEventRepository

SCENARIO = "herd"
CAUGHT_BY = "messages processed"


def mutate() -> None:
    """Keep nothing."""
    ConversationEventRepository.keep_message = lambda *_: None
