"""What a failure is called in the database: each cause by its own code, and never by an exception that is kept."""

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from worker_under_test.config_settings import load_settings
from worker_under_test.errors import (
    AlreadyInHandError,
    DatabaseUnavailableError,
    LlmResponseError,
    LlmTimeoutError,
    MemoryApiResponseError,
    MemoryApiTimeoutError,
    OutcomeRefusedError,
    UnparseableMessageError,
)
from worker_under_test.llm_analysis_utils import LlmClient
from worker_under_test.outcomes import DETAILS_LENGTH_MAX, FailureKind, describe_failure
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.chosen import BY_PRESET

LLM_ON = load_settings({"LLM_ANALYSIS_ENABLED": "true", "GROQ_API_KEY": "key"}, BY_PRESET["fixed"])


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (MemoryApiTimeoutError("late"), FailureKind.TIMEOUT, "MEMORY_API_TIMEOUT"),
        (httpx.ReadTimeout("late"), FailureKind.TIMEOUT, "MEMORY_API_TIMEOUT"),
        (MemoryApiResponseError("HTTP 500"), FailureKind.OTHER, "MEMORY_API_ERROR"),
        (httpx.RemoteProtocolError("cut"), FailureKind.OTHER, "MEMORY_API_ERROR"),
        (LlmTimeoutError("late"), FailureKind.OTHER, "LLM_TIMEOUT"),
        (LlmResponseError("HTTP 500"), FailureKind.OTHER, "LLM_ERROR"),
        (UnparseableMessageError("no JSON"), FailureKind.UNPARSEABLE, "UNPARSEABLE_MESSAGE"),
        (AlreadyInHandError("c-0"), FailureKind.IN_HAND, "ALREADY_IN_HAND"),
        (DatabaseUnavailableError("away"), FailureKind.DATABASE, "DATABASE_UNAVAILABLE"),
        (OperationalError("SELECT", {}, Exception("away")), FailureKind.DATABASE, "DATABASE_UNAVAILABLE"),
        (OutcomeRefusedError("no"), FailureKind.REFUSED, "DATABASE_REFUSED"),
        (ZeroDivisionError("x" * 10_000), FailureKind.OTHER, "PROCESSING_ERROR"),
    ],
)
def test_each_cause_has_a_kind_and_a_code(error: Exception, kind: FailureKind, code: str) -> None:
    """Guarantees that whoever reads the table can tell the causes apart, in a bounded text."""
    failure = describe_failure(error)
    assert (failure.kind, failure.error_code) == (kind, code)
    assert type(error).__name__ in failure.error_details
    assert len(failure.error_details) <= DETAILS_LENGTH_MAX


class Poster:
    """Answers a POST with bytes, or with an error."""

    def __init__(self, answer: bytes | Exception) -> None:
        self._answer = answer

    def post(self, *_: object) -> bytes:
        """Answer."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (MemoryApiTimeoutError("no answer within 60 s"), LlmTimeoutError),
        (MemoryApiResponseError("HTTP 500"), LlmResponseError),
        (b"no JSON", LlmResponseError),
        (b'{"choices": []}', LlmResponseError),
    ],
)
def test_a_failure_of_the_llm_is_not_put_down_to_the_memory_api(
    answer: bytes | Exception, expected: type[Exception]
) -> None:
    """Guarantees that an LLM that hangs raises no alert about pika-mem0."""
    with pytest.raises(expected):
        LlmClient(LLM_ON, Poster(answer), Behaviour.HARDENED).analyse([])
    said = b'{"choices": [{"message": {"content": "calm"}}]}'
    assert LlmClient(LLM_ON, Poster(said), Behaviour.HARDENED).analyse([]) == "calm"
