"""The worker's settings: the contract's defaults, and bad values named."""

import pytest

from worker_under_test.config_settings import load_settings
from worker_under_test.errors import ConfigurationError
from worker_under_test.remedies.chosen import BY_PRESET


@pytest.mark.parametrize(
    ("preset", "timeout_s", "llm"), [("incident", 240, True), ("postmortem", 60, False), ("fixed", 60, False)]
)
def test_an_empty_environment_gives_the_contracts_defaults(preset: str, timeout_s: float, llm: bool) -> None:
    """Guarantees the two defaults that depend on the preset, and the original's figures for the rest."""
    settings = load_settings({}, BY_PRESET[preset])
    assert settings.memory_api_timeout_s == timeout_s
    assert settings.llm_analysis_enabled is llm
    assert settings.groq_api_key is None
    assert (settings.prefetch_count, settings.max_workers, settings.max_retry_attempts) == (10, 10, 5)
    assert settings.backpressure_limit == 80
    assert settings.rabbitmq_queue == "conversation_events_processing"


def test_the_environment_overrides_what_a_preset_implies() -> None:
    """Guarantees that the harness's scaled timers reach the worker."""
    settings = load_settings(
        {"MEMORY_API_TIMEOUT_SECONDS": "0.5", "LLM_ANALYSIS_ENABLED": "TRUE", "MEMORY_API_URL": "http://mem0:1/"},
        BY_PRESET["fixed"],
    )
    assert settings.memory_api_timeout_s == 0.5
    assert settings.llm_analysis_enabled is True
    assert settings.memory_api_url == "http://mem0:1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RABBITMQ_URL", "http://rabbit"),
        ("MESSAGE_BODY_BYTES_MAX", "0"),
        ("RABBITMQ_PREFETCH_COUNT", "0"),
        ("MAX_WORKERS", "ten"),
        ("MEMORY_API_TIMEOUT_SECONDS", "0"),
        ("MEMORY_API_TIMEOUT_SECONDS", "nan"),
        ("REQUEUE_BACKOFF_SECONDS", "-1"),
        ("QUEUE_BACKPRESSURE_THRESHOLD", "80"),
        ("LLM_ANALYSIS_ENABLED", "perhaps"),
        ("SHUTDOWN_GRACE_SECONDS", "inf"),
        ("GROQ_BASE_URL", "groq.example"),
        ("INGRESS_BODY_BYTES_MAX", "0"),
        ("INGRESS_PUBLISH_TIMEOUT_SECONDS", "0"),
        ("INGRESS_QUEUE_MAX_SIZE", "-5"),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_its_name(name: str, value: str) -> None:
    """Guarantees exit code 2 with the variable's name, instead of a worker that behaves strangely an hour later."""
    with pytest.raises(ConfigurationError, match=name):
        load_settings({name: value}, BY_PRESET["fixed"])


def test_a_refused_broker_url_does_not_show_its_password() -> None:
    """Guarantees that no secret reaches the log through an error message."""
    with pytest.raises(ConfigurationError) as refused:
        load_settings({"RABBITMQ_URL": "http://user:canary@rabbit/"}, BY_PRESET["fixed"])
    assert "canary" not in str(refused.value)
