"""Makes the LLM call although it is switched off."""

from worker_under_test.llm_analysis_utils import LlmClient

SCENARIO = "workload"
CAUGHT_BY = "calls of other endpoints"


def mutate() -> None:
    """Call it always."""
    LlmClient.is_enabled = lambda _: True
