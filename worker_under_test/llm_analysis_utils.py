"""The two calls over the network: the LLM analysis and the memory API's fact extraction.

The processing service makes them; ``remedies.total_deadline`` bounds their time. Neither retries: the consumer and the
retry job do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog

from worker_under_test.errors import (
    LlmResponseError,
    LlmTimeoutError,
    MemoryApiResponseError,
    MemoryApiTimeoutError,
)
from worker_under_test.remedies.default_settings import warns_per_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker_under_test.config_settings import Settings
    from worker_under_test.conversation_message import ConversationRow
    from worker_under_test.remedies.behaviour import Behaviour
    from worker_under_test.remedies.total_deadline import HttpPoster

logger = structlog.get_logger()

_LLM_MODEL = "llama-3.1-8b-instant"


class LlmClient:
    """Analyses the end of a conversation with a Groq model, when the step is enabled."""

    def __init__(self, settings: Settings, poster: HttpPoster, switch: Behaviour) -> None:
        self._settings = settings
        self._poster = poster
        self._warns_per_message = warns_per_message(switch)
        if not self.is_enabled() and not self._warns_per_message:
            self._warn()

    def is_enabled(self) -> bool:
        """Return whether the step runs: it needs the switch and a key."""
        return self._settings.llm_analysis_enabled and self._settings.groq_api_key is not None

    def analyse(self, recent_rows: list[ConversationRow]) -> str | None:
        """Return the model's answer about the last rows; None, at once, when the step is off."""
        if not self.is_enabled():
            if self._warns_per_message:
                self._warn()
            return None
        request = {
            "model": _LLM_MODEL,
            "messages": [
                {"role": "system", "content": "Describe the mood of this conversation in one word."},
                *({"role": row["role"], "content": row["content"]} for row in recent_rows),
            ],
        }
        headers = {"Authorization": f"Bearer {self._settings.groq_api_key}"}
        url = f"{self._settings.groq_base_url}/chat/completions"
        try:
            return str(_parse(self._poster.post(url, request, headers))["choices"][0]["message"]["content"])
        except MemoryApiTimeoutError as error:
            raise LlmTimeoutError(str(error)) from None
        except MemoryApiResponseError as error:
            raise LlmResponseError(str(error)) from None
        except (KeyError, IndexError, TypeError):
            raise LlmResponseError("the LLM's answer holds no message") from None

    def _warn(self) -> None:
        logger.warning(
            "llm_analysis_disabled",
            llm_analysis_enabled=self._settings.llm_analysis_enabled,
            groq_api_key="set" if self._settings.groq_api_key else "not set",
        )


class MemoryApiClient:
    """The client of pika-mem0."""

    def __init__(self, settings: Settings, poster: HttpPoster) -> None:
        self._url = f"{settings.memory_api_url}/extract_facts"
        self._poster = poster

    def extract_facts(self, conversation_id: str, request: dict[str, Any] | Iterator[bytes]) -> int:
        """Send a conversation and return how many facts pika-mem0 found in it.

        The conversation's id is sent as ``Idempotency-Key``, which tells a call repeated after a crash from a new one.
        """
        answer = _parse(self._poster.post(self._url, request, {"Idempotency-Key": conversation_id}))
        facts = answer.get("facts")
        if not isinstance(facts, list):
            raise MemoryApiResponseError("the answer of /extract_facts holds no list of facts")
        return len(facts)


def _parse(answer: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(answer)
    except ValueError:
        raise MemoryApiResponseError(f"the answer of {len(answer)} bytes is not JSON") from None
    if not isinstance(parsed, dict):
        raise MemoryApiResponseError("the answer is not a JSON object")
    return parsed
