"""Repeats a failed call twice before it gives up: a broken dependency is hammered three times as hard."""

from typing import Any

from worker_under_test.llm_analysis_utils import MemoryApiClient

SCENARIO = "workload"
CAUGHT_BY = "failures recorded"


def mutate() -> None:
    """Try three times, where the request can be sent again."""
    call = MemoryApiClient.extract_facts

    def hammering(self: Any, conversation_id: str, request: Any) -> int:
        chunks = list(request)
        for _ in range(2):
            try:
                return call(self, conversation_id, iter(chunks))
            except Exception:  # noqa: BLE001, S112 - the mutation itself
                continue
        return call(self, conversation_id, iter(chunks))

    MemoryApiClient.extract_facts = hammering
