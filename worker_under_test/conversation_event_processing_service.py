"""The flow of one event: LLM, memory API, friendship score, database.

The handlers of ``message_handling`` call it. It knows nothing of the broker, and retries nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker_under_test.conversation_event_repository import ConversationEventRepository
from worker_under_test.conversation_message import (
    RECENT_ROWS,
    ConversationLog,
    format_conversation,
    normalise_row,
    tally_conversation,
)
from worker_under_test.friendship_score import calculate_friendship_score

if TYPE_CHECKING:
    from worker_under_test.conversation_event_model import ConversationEventStatus
    from worker_under_test.conversation_event_repository import RetryPolicy
    from worker_under_test.database import SessionFactory
    from worker_under_test.llm_analysis_utils import LlmClient, MemoryApiClient
    from worker_under_test.remedies.failure_record import OutcomeRecorder
    from worker_under_test.remedies.idempotent_redelivery import FinishedCalls
    from worker_under_test.streamed_conversation import StreamedConversation


class ConversationEventProcessingService:
    """Processes one event at a time; any number of threads may do so at once."""

    def __init__(
        self,
        *,
        llm_client: LlmClient,
        memory_api: MemoryApiClient,
        sessions: SessionFactory,
        policy: RetryPolicy,
        recorder: OutcomeRecorder,
        settled_statuses: frozenset[ConversationEventStatus],
        finished_calls: FinishedCalls,
    ) -> None:
        self._llm_client = llm_client
        self._memory_api = memory_api
        self._sessions = sessions
        self._policy = policy
        self._recorder = recorder
        self._settled_statuses = settled_statuses
        self._finished_calls = finished_calls

    def process_single_event_with_log(
        self, conversation_id: str, user_id: str, bot_id: str, raw_log: ConversationLog
    ) -> None:
        """Process an event whose log is parsed, as the original did: one session, and every copy, until it is done."""
        with self._sessions() as db:
            repository = ConversationEventRepository(db, self._policy)
            event = repository.get_by_conversation_id(conversation_id)
            if event is not None:
                if event.status in self._settled_statuses:
                    return
                repository.mark_processing(event)
            db.commit()
            conversation_log = [normalise_row(row) for row in raw_log]
            analysis = self._llm_client.analyse(conversation_log[-RECENT_ROWS:])
            formatted_conversation = format_conversation(conversation_log)
            payload = {
                "conversation_id": conversation_id,
                "user_id": user_id,
                "formatted_conversation": formatted_conversation,
                "payload": {
                    "bot_id": bot_id,
                    "message_count": len(conversation_log),
                    "recent_messages": [dict(row) for row in conversation_log[-RECENT_ROWS:]],
                    "llm_analysis": analysis,
                },
            }
            facts_count = self._memory_api.extract_facts(conversation_id, payload)
            friendship_score = calculate_friendship_score(tally_conversation(conversation_log), facts_count)
            if event is not None:
                repository.mark_processed(event, friendship_score)
            db.commit()

    def process_single_event_streamed(self, conversation: StreamedConversation) -> None:
        """Process an event from its message's body.

        No session, and no copy but the body, is held during the calls. The outcome is durable when this returns.
        """
        conversation_id = conversation.conversation_id
        if self._recorder.durably(lambda repository: self._is_settled(repository, conversation_id)):
            return
        friendship_score = self._finished_calls.recall(conversation_id)
        if friendship_score is None:
            friendship_score = self._score(conversation)
            self._finished_calls.remember(conversation_id, friendship_score)

        def mark_processed(repository: ConversationEventRepository) -> None:
            repository.mark_processed(repository.get_or_create(conversation_id), friendship_score)

        self._recorder.durably(mark_processed)
        self._finished_calls.forget(conversation_id)

    def _score(self, conversation: StreamedConversation) -> float:
        """Make the calls, and return the score.

        Copies of the message meanwhile: the body, one row of it, and one chunk of the request.
        """
        recent_rows = conversation.recent_rows()
        payload = {
            "bot_id": conversation.bot_id,
            "message_count": conversation.tally.rows,
            "recent_messages": recent_rows,
            "llm_analysis": self._llm_client.analyse(recent_rows),
        }
        chunks = conversation.request_chunks(payload)
        facts_count = self._memory_api.extract_facts(conversation.conversation_id, chunks)
        return calculate_friendship_score(conversation.tally, facts_count)

    def _is_settled(self, repository: ConversationEventRepository, conversation_id: str) -> bool:
        event = repository.get_by_conversation_id(conversation_id)
        return event is not None and event.status in self._settled_statuses
