"""Small decisions: who decides over a retry and counts it, where a draw ends, what each behaviour's defaults are."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from worker_under_test.conversation_event_model import ConversationEvent
from worker_under_test.errors import ConfigurationError
from worker_under_test.remedies import chosen, default_settings, retry_limit, retry_schedule
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.retry_limit import RetryDecision

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def event(retry_count: int, due: datetime | None = NOON) -> ConversationEvent:
    """Return a FAILED event."""
    return ConversationEvent(conversation_id="c-0", status="FAILED", retry_count=retry_count, next_attempt_at=due)


class TestRetryLimit:
    """Who decides over a retry, and who counts."""

    @pytest.mark.parametrize(
        ("behaviour", "retry_count", "wait_s", "decision"),
        [
            (Behaviour.ORIGINAL, 99, 3600, RetryDecision.RETRY),
            (Behaviour.REPORTED, 4, 0, RetryDecision.RETRY),
            (Behaviour.REPORTED, 5, 0, RetryDecision.GIVE_UP),
            (Behaviour.REPORTED, 0, 1, RetryDecision.GIVE_UP),  # hole 12
            (Behaviour.HARDENED, 4, 0, RetryDecision.RETRY),
            (Behaviour.HARDENED, 4, -1, RetryDecision.RETRY),
            (Behaviour.HARDENED, 4, 1, RetryDecision.NOT_DUE),
            (Behaviour.HARDENED, 5, 1, RetryDecision.GIVE_UP),
            (Behaviour.HARDENED, 6, 0, RetryDecision.GIVE_UP),
        ],
    )
    def test_each_behaviour_decides_in_its_own_way(
        self, behaviour: Behaviour, retry_count: int, wait_s: int, decision: RetryDecision
    ) -> None:
        """Guarantees the limit's edge, and that not due yet is not given up, in the hardened worker alone."""
        limit = retry_limit.choose(behaviour, 5)
        assert limit.decide(event(retry_count, NOON + timedelta(seconds=wait_s)), NOON) is decision

    @pytest.mark.parametrize("behaviour", [Behaviour.REPORTED, Behaviour.HARDENED])
    def test_an_event_without_a_time_is_due(self, behaviour: Behaviour) -> None:
        """Guarantees that a missing time delays nothing."""
        assert retry_limit.choose(behaviour, 5).decide(event(0, None), NOON) is RetryDecision.RETRY

    @pytest.mark.parametrize(
        ("behaviour", "attempt", "count", "claims"),
        [
            (Behaviour.ORIGINAL, None, 2, False),
            (Behaviour.REPORTED, None, 2, False),  # hole 10
            (Behaviour.HARDENED, 3, 3, True),
        ],
    )
    def test_only_the_hardened_worker_counts_and_claims(
        self, behaviour: Behaviour, attempt: int | None, count: int, claims: bool
    ) -> None:
        """Guarantees that the wait after the third failed retry is that of attempt three."""
        limit, failed = retry_limit.choose(behaviour, 5), event(2)
        assert limit.count_failure(failed) == attempt
        assert failed.retry_count == count
        assert limit.claims is claims

    def test_only_the_hardened_schema_goes_to_its_head(self) -> None:
        """Shows hole 9: the report's schema ends before PERMANENTLY_FAILED is admitted."""
        revisions = {behaviour: retry_limit.schema_revision(behaviour) for behaviour in Behaviour}
        assert revisions == {Behaviour.ORIGINAL: "0002", Behaviour.REPORTED: "0002", Behaviour.HARDENED: "head"}


class Fixed(random.Random):
    """Draws the low or the high end of a range."""

    def __init__(self, *, high: bool) -> None:
        super().__init__()
        self._high = high

    def uniform(self, a: float, b: float) -> float:
        """Return an end."""
        return b if self._high else a


@pytest.mark.parametrize("schedule", [retry_schedule.jitter_then_cap, retry_schedule.cap_then_jitter])
def test_the_low_end_of_a_draw_is_the_early_end_of_the_wait(schedule: retry_schedule.RetrySchedule) -> None:
    """Guarantees the direction of the jitter, and both its ends."""
    assert schedule(1, 6, Fixed(high=False)) == timedelta(hours=9.6)
    assert schedule(1, 6, Fixed(high=True)) == timedelta(hours=14.4)


@pytest.mark.parametrize(
    ("behaviour", "timeout_s", "llm", "warns"),
    [
        (Behaviour.ORIGINAL, 240, True, True),
        (Behaviour.REPORTED, 60, False, True),
        (Behaviour.HARDENED, 60, False, False),
    ],
)
def test_the_defaults_of_each_behaviour(behaviour: Behaviour, timeout_s: float, llm: bool, warns: bool) -> None:
    """Guarantees 240 s and the LLM before, 60 s and none after, and one warning instead of one a message."""
    assert default_settings.memory_api_timeout_s(behaviour) == timeout_s
    assert default_settings.llm_analysis_enabled(behaviour) is llm
    assert default_settings.warns_per_message(behaviour) is warns


@pytest.mark.parametrize(
    ("options", "listed"),
    [
        (("broken", None, [], []), "incident, postmortem, fixed"),
        (("incident", "M9", [], []), "M0, M1, M2, M1+M2"),
        (("fixed", None, ["tea"], []), "memory_api_timeout, total_deadline, llm_switch"),
        (("fixed", None, ["clean_up=tea"], []), "clean_up=original, clean_up=reported, clean_up=hardened"),
    ],
)
def test_a_refused_option_lists_what_there_is(options: Any, listed: str) -> None:
    """Guarantees that whoever misspelt a name can read the right one."""
    with pytest.raises(ConfigurationError) as refused:
        chosen.choose(*options)
    assert listed in str(refused.value)
