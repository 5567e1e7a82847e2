"""When a failed event is due again: the report's table, its hole 11, and the hardened schedule."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.retry_schedule import cap_then_jitter, choose, jitter_then_cap, same_wait

HOUR = timedelta(hours=1)


def waits(schedule: Behaviour, attempt: int, draws: int = 400) -> list[float]:
    """Return many waits after one attempt, in hours."""
    rng = random.Random(11)
    return [choose(schedule)(attempt, 6, rng) / HOUR for _ in range(draws)]


@pytest.mark.parametrize("behaviour", [Behaviour.REPORTED, Behaviour.HARDENED])
@pytest.mark.parametrize(("attempt", "low", "high"), [(0, 4.8, 7.2), (1, 9.6, 14.4), (2, 19.2, 28.8)])
def test_the_first_three_waits_are_the_reports_table(
    behaviour: Behaviour, attempt: int, low: float, high: float
) -> None:
    """Guarantees 4.8 to 7.2, 9.6 to 14.4 and 19.2 to 28.8 hours, and that the whole range is used."""
    drawn = waits(behaviour, attempt)
    assert low <= min(drawn) <= low * 1.05
    assert high * 0.95 <= max(drawn) <= high


def test_the_reports_cap_after_the_jitter_is_a_meeting_point() -> None:
    """Shows hole 11: from attempt 3 on about half of all waits are exactly 48 h."""
    assert 0.4 < Counter(waits(Behaviour.REPORTED, 3))[48.0] / 400 < 0.6
    assert Counter(waits(Behaviour.REPORTED, 4))[48.0] == 400


def test_the_hardened_waits_never_meet_at_the_ceiling() -> None:
    """Guarantees that the jitter goes on spreading events at every attempt, and that 48 h is still the longest wait."""
    for attempt in (3, 4, 5, 50):
        drawn = waits(Behaviour.HARDENED, attempt)
        assert max(drawn) <= 48
        assert Counter(drawn).most_common(1)[0][1] == 1
        assert max(drawn) - min(drawn) > 12


@given(attempt=st.integers(0, 10_000), base_hours=st.floats(0.001, 1000), seed=st.integers())
def test_a_hardened_wait_is_positive_and_at_most_48_hours(attempt: int, base_hours: float, seed: int) -> None:
    """Guarantees it for every attempt and base, however large: no overflow, no wait in the past."""
    assert timedelta(0) < cap_then_jitter(attempt, base_hours, random.Random(seed)) <= 48 * HOUR


def test_the_original_waits_the_same_after_every_failure() -> None:
    """Guarantees the worker as it was: six hours, whatever the attempt."""
    assert {same_wait(attempt, 6, random.Random(1)) for attempt in range(5)} == {6 * HOUR}


def test_a_very_late_attempt_does_not_overflow_the_reports_schedule() -> None:
    """Guarantees that the replica of the report's code fails where the report's fails, and nowhere else."""
    assert jitter_then_cap(5000, 6, random.Random(1)) == 48 * HOUR
