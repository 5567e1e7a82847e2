"""Latency profiles: the quantiles that the incident report gives come out, and the scale divides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_mem0 import draws
from fake_mem0.latency import PROFILES, FixedLatency, ProfileLatency, interpolate

profiles = pytest.mark.parametrize("profile", list(PROFILES))


@pytest.mark.parametrize(("quantile", "seconds"), [(0.50, 19.1), (0.75, 26.2), (0.90, 60.8), (0.95, 60.8), (1.0, 60.9)])
def test_the_incident_profile_has_the_reports_quantiles(quantile: float, seconds: float) -> None:
    """p50 19.1 s, p75 26.2, p90 60.8, p95 60.8, max 60.9, as the report says."""
    assert interpolate(PROFILES["incident"], quantile) == pytest.approx(seconds)


@pytest.mark.parametrize(("quantile", "seconds"), [(0.50, 2.0), (0.95, 4.0)])
def test_the_healthy_profile_has_its_quantiles(quantile: float, seconds: float) -> None:
    """p50 2 s, p95 4 s of incident time."""
    assert interpolate(PROFILES["healthy"], quantile) == pytest.approx(seconds)


@profiles
def test_a_table_runs_from_0_to_1_and_never_falls(profile: str) -> None:
    """Every profile is a quantile table: both columns rise, and it covers every draw."""
    quantiles, seconds = zip(*PROFILES[profile], strict=True)
    assert (quantiles[0], quantiles[-1]) == (0.0, 1.0)
    assert list(quantiles) == sorted(set(quantiles))
    assert list(seconds) == sorted(seconds)


@profiles
@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_draw_never_gives_a_shorter_latency(profile: str, low: float, high: float) -> None:
    """Interpolation keeps the order of draws, within the table's ends."""
    low, high = sorted((low, high))
    table = PROFILES[profile]
    assert table[0][1] <= interpolate(table, low) <= interpolate(table, high) + 1e-9 <= table[-1][1] + 2e-9


def test_drawn_latencies_of_many_conversations_have_the_profiles_median() -> None:
    """Real draws through the incident profile: half are above 19.1 s, a quarter above 26.2 s."""
    latency = ProfileLatency("incident")
    drawn = [latency.seconds_at(draws.draw(draws.LATENCY, 1, f"c-{number}", 1)) for number in range(10_000)]
    assert sum(each > 19.1 for each in drawn) / len(drawn) == pytest.approx(0.5, abs=0.02)
    assert sum(each > 26.2 for each in drawn) / len(drawn) == pytest.approx(0.25, abs=0.02)


def test_the_scale_divides_incident_time() -> None:
    """At scale 20 a median of 19.1 s is waited 0.955 s."""
    assert ProfileLatency("incident", 20.0).seconds_at(0.5) == pytest.approx(19.1 / 20)


def test_a_fixed_latency_needs_no_draw() -> None:
    """The same for everybody."""
    assert {FixedLatency(0.25).seconds_at(draw) for draw in (0.0, 0.5, 0.999)} == {0.25}
