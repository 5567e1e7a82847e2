"""The shared time axis of the charts, and the thinning of series: places, ticks, gaps, peaks."""

import numpy as np
import pytest

from harness.record import EndedBy, Incarnation, MemorySeries, PhaseSpan, Role, TrialRecord
from reports.analysis.series import keep_extremes, split_at_gaps
from reports.analysis.time_axis import align


def trial(arm: str, *phases: PhaseSpan, ends_s: float = 0.0, starts_s: float = 0.0) -> TrialRecord:
    """A trial with these phases, and one incarnation of a worker."""
    incarnation = Incarnation(0, 1, starts_s, ends_s or phases[-1].end_s, 0, 0, None, None, EndedBy.HARNESS)
    return TrialRecord(arm, Role.BEFORE, None, phases=phases, incarnations=(incarnation,))


def calm(start_s: float, end_s: float) -> PhaseSpan:
    """A phase from 11:00 to 11:10 at ×60."""
    return PhaseSpan("calm", start_s, end_s, 39_600.0, 40_200.0, 60.0)


def workload(start_s: float, end_s: float) -> PhaseSpan:
    """A phase from 12:00 to 12:01 at ×1."""
    return PhaseSpan("workload", start_s, end_s, 43_200.0, 43_260.0, 1.0)


def test_a_phase_is_as_wide_as_the_longest_arm_needed() -> None:
    """Guarantees that phases stand side by side, none shorter than any arm's."""
    axis = align([trial("a", calm(0, 10), workload(10, 70)), trial("b", calm(2, 9), workload(9, 29))])

    assert [(column.name, column.start_x, column.end_x) for column in axis.columns] == [
        ("calm", 0.0, 10.0),
        ("workload", 10.0, 70.0),
    ]


def test_arms_are_aligned_at_the_start_of_each_phase() -> None:
    """Guarantees that the same moment of a phase has the same place in every arm, whenever the arm reached it."""
    early, late = trial("a", calm(0, 10), workload(10, 70)), trial("b", calm(2, 9), workload(9, 29))
    axis = align([early, late])

    assert axis.place_one(early.phases, 10 + 5) == 15.0
    assert axis.place_one(late.phases, 9 + 5) == 15.0
    assert axis.place_one(late.phases, 2 + 3) == 3.0


def test_what_comes_before_the_first_phase_lies_left_of_it() -> None:
    """Guarantees that a worker started before replay time zero is drawn, not cut off."""
    started = trial("a", calm(0, 10), starts_s=-4.0)

    axis = align([started])

    assert axis.start_x == -4.0
    assert axis.place_one(started.phases, -4.0) == -4.0


def test_the_drain_begins_at_one_place_for_every_arm() -> None:
    """Guarantees that the time after the timeline starts after the widest last phase, also for a shorter arm."""
    short, long = trial("a", calm(0, 6), ends_s=9), trial("b", calm(0, 10), ends_s=11)

    axis = align([short, long])

    assert axis.place_one(short.phases, 7) == 11.0
    assert axis.place_one(long.phases, 11) == 11.0
    assert axis.end_x == 13.0


def test_an_incident_time_has_a_place_only_where_it_was_played() -> None:
    """Guarantees that a reported point is drawn in its own phase, and left out where the clock jumped over it."""
    axis = align([trial("a", calm(0, 5), workload(5, 65))])

    assert axis.place_time_of_day(39_600 + 120) == 2.0
    assert axis.place_time_of_day(39_600 + 590) is None, "the phase ended early, at 11:05"
    assert axis.place_time_of_day(42_000) is None, "no phase holds 11:40"
    assert axis.place_time_of_day(43_200 + 30) == 35.0


def test_borders_are_ticked_first_and_no_two_labels_touch() -> None:
    """Guarantees that a phase's beginning is labelled where there is room, and round times between."""
    axis = align([trial("a", calm(0, 10), workload(10, 70))])

    ticks = axis.ticks(0, 70, labels_max=10)

    labels = {label: x for x, label in ticks}
    assert labels["11:00"] == 0.0
    assert labels["12:00"] == 10.0
    assert labels["12:00:30"] == 40.0
    assert min(np.diff([x for x, _ in ticks])) >= 7.0


def test_without_phases_the_axis_is_replay_time() -> None:
    """Guarantees that a partial run can be drawn: places are seconds since the trial's start, without ticks."""
    series = MemorySeries.of(np.array([0.0, 8.0]), np.array([0, 0]), np.array([1.0, 2.0]))
    bare = TrialRecord("a", Role.BEFORE, None, memory=series)

    axis = align([bare])

    assert axis.place_one(bare.phases, 3.0) == 3.0
    assert (axis.start_x, axis.end_x) == (0.0, 8.0)
    assert axis.ticks(0, 8, 5) == []


def test_a_run_without_trials_still_has_an_axis() -> None:
    """Guarantees that nothing at all is no error: an axis of some width, without columns."""
    axis = align([])

    assert axis.columns == ()
    assert axis.end_x > axis.start_x


@pytest.mark.parametrize("at", [0, 1, 4999, 7321, 9999])
def test_thinning_keeps_a_peak_of_one_sample(at: int) -> None:
    """Guarantees that the spike a memory chart is read for survives, wherever it is."""
    values = np.full(10_000, 250.0)
    values[at] = 3000.0

    x, y = keep_extremes(np.arange(10_000.0), values, buckets=50)

    assert y.max() == 3000.0
    assert x[y.argmax()] == at
    assert len(x) <= 102
    assert (x[0], x[-1]) == (0.0, 9999.0)
    assert (np.diff(x) > 0).all()


def test_thinning_drops_samples_without_a_value() -> None:
    """Guarantees that an arm without a cgroup (NaN) gives no points."""
    x, y = keep_extremes(np.arange(3.0), np.array([np.nan, 5.0, np.nan]))

    assert x.tolist() == [1.0]
    assert y.tolist() == [5.0]


def test_a_line_is_not_drawn_over_missing_samples() -> None:
    """Guarantees a new stretch after a gap, and where time goes backwards; an even series stays whole."""
    x = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 2.0, 2.1])

    parts = split_at_gaps(x, x)

    assert [part.tolist() for part, _ in parts] == [[0.0, 0.1, 0.2], [5.0, 5.1], [2.0, 2.1]]
    assert len(split_at_gaps(x[:3], x[:3])) == 1
    assert split_at_gaps(x[:0], x[:0]) == []
    assert len(split_at_gaps(x[:1], x[:1])) == 1
