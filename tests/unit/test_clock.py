"""Incident time and replay time: two clocks that map to one another inside the phases, as they were really played."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.clock import format_time_of_day, incident_time, replay_time
from harness.record import PhaseSpan

# Ten seconds at 60, ten seconds at 1; the second phase ended 5 s early, the third had just begun when the record ends.
PHASES = (
    PhaseSpan("quick", 0.0, 10.0, 1000.0, 1600.0, 60.0),
    PhaseSpan("slow, ended early", 10.0, 20.0, 1600.0, 1615.0, 1.0),
    PhaseSpan("cut off", 20.0, 22.0, 1615.0, 1715.0, 10.0),
)


@st.composite
def timelines(draw: st.DrawFn) -> tuple[PhaseSpan, ...]:
    """Draw phases that follow one another, each played to its end or left early."""
    spans = []
    start_s, tod_s = 0.0, draw(st.floats(0, 80_000))
    for number in range(draw(st.integers(1, 6))):
        length_s, scale = draw(st.floats(0.5, 100)), draw(st.floats(0.1, 200))
        played = draw(st.just(1.0) | st.floats(0.1, 1.0))
        to_tod_s = tod_s + length_s * scale
        end_s = start_s + length_s * played
        spans.append(PhaseSpan(f"phase {number}", start_s, end_s, tod_s, to_tod_s, scale))
        start_s, tod_s = end_s, to_tod_s
    return tuple(spans)


# A share nearer to 1 than that is rounded into the next phase, where a trial that was left early never was.
@given(timelines(), st.floats(0, 1 - 1e-9), st.data())
def test_the_two_clocks_are_inverse_inside_the_phases(
    phases: tuple[PhaseSpan, ...], share: float, data: st.DataObject
) -> None:
    """Guarantees that a moment of the replay, told in incident time, is the same moment again."""
    span = data.draw(st.sampled_from(phases))
    t_s = span.start_s + share * (span.end_s - span.start_s)

    found_s = replay_time(phases, incident_time(phases, t_s))

    assert found_s == pytest.approx(t_s, abs=1e-6)


def test_the_end_of_the_last_phase_is_reached_where_it_was_played() -> None:
    """Guarantees that a moment which rounding puts on the very end is still a moment of the replay."""
    whole = (PhaseSpan("only", 0.0, 1.0, 1.0, 2.0, 1.0),)
    cut_off = (PhaseSpan("only", 0.0, 0.5, 1.0, 2.0, 1.0),)
    assert replay_time(whole, incident_time(whole, 0.9999999999999999)) == 1.0
    assert replay_time(cut_off, 2.0) is None


@given(timelines(), st.floats(-50, 1000), st.floats(-50, 1000))
def test_incident_time_never_runs_backwards(phases: tuple[PhaseSpan, ...], one_s: float, other_s: float) -> None:
    """Guarantees that a chart in incident time has its points in the order in which they were sampled."""
    earlier_s, later_s = sorted((one_s, other_s))
    assert incident_time(phases, earlier_s) <= incident_time(phases, later_s) + 1e-6


def test_each_phase_runs_at_its_own_scale() -> None:
    """Guarantees the arithmetic inside the phases."""
    assert incident_time(PHASES, 5.0) == 1300.0
    assert incident_time(PHASES, 10.0) == 1600.0
    assert incident_time(PHASES, 15.0) == 1605.0
    assert replay_time(PHASES, 1300.0) == 5.0
    assert replay_time(PHASES, 1605.0) == 15.0


def test_time_goes_on_before_the_first_and_after_the_last_phase() -> None:
    """Guarantees a time for the worker's start before the workload, and for the drain after it."""
    assert incident_time(PHASES, -1.0) == 940.0
    assert incident_time(PHASES, 42.0) == 1835.0


def test_a_phase_left_early_jumps_to_the_next_one() -> None:
    """Guarantees that what a phase did not play was reached when it was left, and no moment lies past the next."""
    assert replay_time(PHASES, 1612.0) == 20.0
    assert incident_time(PHASES, 19.999) == pytest.approx(1609.999)
    assert incident_time(PHASES, 20.0) == 1615.0

    overlong = (PhaseSpan("late", 0.0, 12.0, 1000.0, 1100.0, 10.0), PhaseSpan("next", 12.0, 20.0, 1100.0, 1200.0, 10.0))
    assert incident_time(overlong, 11.0) == 1100.0


def test_a_moment_that_was_never_played_is_no_moment() -> None:
    """Guarantees None before the first phase, after the last, in a gap, and in a last phase that was cut off."""
    assert replay_time(PHASES, 999.0) is None
    assert replay_time(PHASES, 1635.0) == 22.0
    assert replay_time(PHASES, 1640.0) is None
    assert replay_time(PHASES, 1715.0) is None
    gap = (PHASES[0], PhaseSpan("much later", 10.0, 20.0, 3000.0, 3100.0, 10.0))
    assert replay_time(gap, 2000.0) is None


def test_without_phases_there_is_no_incident_time() -> None:
    """Guarantees an error, not a wrong time, for a trial that never began."""
    with pytest.raises(ValueError, match="no phase was entered"):
        incident_time((), 1.0)
    assert replay_time((), 42_124.0) is None


@pytest.mark.parametrize(
    ("tod_s", "text"),
    [(0.0, "00:00:00"), (42_124.999, "11:42:04"), (86_399.0, "23:59:59"), (86_400.0, "00:00:00"), (-0.5, "23:59:59")],
)
def test_a_time_of_day_is_written_to_the_second_rounded_down(tod_s: float, text: str) -> None:
    """Guarantees that 11:42:04.9 is not yet 11:42:05, and that midnight wraps both ways."""
    assert format_time_of_day(tod_s) == text
