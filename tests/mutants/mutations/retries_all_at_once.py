"""Retries a whole batch of due events at once: a dependency that has just come back is met by a herd."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from worker_under_test.conversation_event_model import ConversationEvent
from worker_under_test.conversation_event_repository import ConversationEventRepository
from worker_under_test.failed_events_processing import FailedEventsProcessor

SCENARIO = "herd"
CAUGHT_BY = "retries at once"


def mutate() -> None:
    """Give every event of a batch a thread and a session of its own."""
    one_by_one = FailedEventsProcessor._process_batch

    def all_at_once(self: Any, _repository: Any, events: Any, claim: Any, stats: Any) -> None:
        def alone(event_id: int) -> None:
            with self._sessions() as db:
                own = ConversationEventRepository(db, self._policy)
                one_by_one(self, own, [db.get(ConversationEvent, event_id)], claim, stats)

        with ThreadPoolExecutor(len(events)) as pool:
            list(pool.map(alone, [event.id for event in events]))

    FailedEventsProcessor._process_batch = all_at_once
