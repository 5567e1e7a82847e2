"""The arrival schedule: a pure function of phases, seed and sizes, with the rates asked for and hard limits."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.load.schedule import (
    BYTES_MAX,
    PHASES_MAX,
    Arrival,
    ArrivalPhase,
    Burst,
    Constant,
    Poisson,
    build_schedule,
    schedule_hash,
)
from harness.message_ids import SEED_MAX, message_id
from harness.protocols.payload import PayloadSizes
from harness.scenario.model import MESSAGES_MAX

SIZES = PayloadSizes(2_000, 3_000)
STEADY = ArrivalPhase("steady", 0.0, 10.0, Constant(2.0))
WORKLOAD = ArrivalPhase("workload", 10.0, 20.0, Burst(count=50, over_s=2.0))

rates = st.floats(0, 50)
kinds = (
    st.builds(Constant, rates) | st.builds(Poisson, rates) | st.builds(Burst, st.integers(0, 100), st.floats(0.0, 1.0))
)
phase_lists = st.lists(
    st.builds(
        lambda name, start_s, length_s, kind: ArrivalPhase(name, start_s, start_s + length_s, kind),
        st.text("abc", min_size=1, max_size=3),
        st.floats(0, 100),
        st.floats(1.5, 20),
        kinds,
    ),
    max_size=4,
)


@given(phases=phase_lists, seed=st.integers(0, SEED_MAX))
def test_a_schedule_is_sorted_unique_and_the_same_for_the_same_seed(phases: list[ArrivalPhase], seed: int) -> None:
    """Whatever the phases: times in order, inside their phases, ids unique, templates in the pool, replayable."""
    arrivals = build_schedule(phases, seed=seed, sizes=SIZES)

    assert arrivals == build_schedule(phases, seed=seed, sizes=SIZES)
    assert all(left.intended_s <= right.intended_s for left, right in pairwise(arrivals))
    assert [arrival.message_id for arrival in arrivals] == [message_id(seed, index) for index in range(len(arrivals))]
    assert all(0 <= arrival.template < SIZES.templates for arrival in arrivals)
    for arrival in arrivals:  # times are rounded to the microsecond
        assert any(phase.start_s - 1e-6 <= arrival.intended_s <= phase.end_s + 1e-6 for phase in phases)


@given(rate_per_s=st.floats(0, 500), length_s=st.floats(0.1, 50))
def test_a_constant_rate_is_kept_to_the_message(rate_per_s: float, length_s: float) -> None:
    """The count is the rate times the length, rounded; the gaps are all equal."""
    phase = ArrivalPhase("steady", 5.0, 5.0 + length_s, Constant(rate_per_s))

    arrivals = build_schedule([phase], seed=1, sizes=SIZES)

    assert abs(len(arrivals) - rate_per_s * length_s) <= 0.5 + 1e-6
    gaps = [right.intended_s - left.intended_s for left, right in pairwise(arrivals)]
    assert all(math.isclose(gap, 1 / rate_per_s, abs_tol=2e-6) for gap in gaps[:-1])


@settings(max_examples=30)
@given(seed=st.integers(0, SEED_MAX))
def test_a_poisson_rate_is_kept_on_average(seed: int) -> None:
    """Over a thousand expected arrivals the count stays within six standard deviations, and the gaps are not equal."""
    phase = ArrivalPhase("callers", 0.0, 100.0, Poisson(10.0))

    arrivals = build_schedule([phase], seed=seed, sizes=SIZES)

    assert abs(len(arrivals) - 1_000) < 6 * math.sqrt(1_000)
    gaps = [right.intended_s - left.intended_s for left, right in pairwise(arrivals)]
    assert max(gaps) > 3 * min(gaps)


def test_a_burst_is_spread_evenly_from_its_phase_on() -> None:
    """Exactly as many as asked for, the first at the phase's start, the last one step before the burst's end."""
    arrivals = build_schedule([WORKLOAD], seed=1, sizes=SIZES)

    assert [arrival.intended_s for arrival in arrivals] == [round(10.0 + 0.04 * index, 6) for index in range(50)]


def test_a_burst_over_no_time_is_all_at_once() -> None:
    """``over_s`` 0 is the hardest workload there is."""
    arrivals = build_schedule([ArrivalPhase("wall", 3.0, 4.0, Burst(20, 0.0))], seed=1, sizes=SIZES)

    assert [arrival.intended_s for arrival in arrivals] == [3.0] * 20


def test_overlapping_phases_add_up() -> None:
    """A steady trickle goes on below a burst."""
    trickle = ArrivalPhase("trickle", 0.0, 20.0, Constant(1.0))

    assert len(build_schedule([trickle, WORKLOAD], seed=1, sizes=SIZES)) == 20 + 50


def test_changing_one_phase_leaves_the_others_arrivals_alone() -> None:
    """Two scenarios that differ in one phase can be compared in all others."""
    callers = ArrivalPhase("callers", 0.0, 10.0, Poisson(5.0))
    calm = build_schedule([callers, ArrivalPhase("later", 10.0, 20.0, Poisson(1.0))], seed=9, sizes=SIZES)
    wild = build_schedule([callers, ArrivalPhase("later", 10.0, 20.0, Poisson(9.0))], seed=9, sizes=SIZES)

    def early(arrivals: tuple[Arrival, ...]) -> list[float]:
        return [arrival.intended_s for arrival in arrivals if arrival.intended_s < 10.0]

    assert early(calm) == early(wild)
    assert len(wild) > len(calm)


def test_the_hash_tells_schedules_apart() -> None:
    """Same workload, same hash; another seed, another hash; the hash of this schedule is the same on every machine."""
    phases = [STEADY, WORKLOAD, ArrivalPhase("callers", 0.0, 20.0, Poisson(3.0))]
    arrivals = build_schedule(phases, seed=1, sizes=SIZES, id_prefix="conv")

    assert schedule_hash(arrivals) == schedule_hash(build_schedule(phases, seed=1, sizes=SIZES, id_prefix="conv"))
    assert schedule_hash(arrivals) != schedule_hash(build_schedule(phases, seed=2, sizes=SIZES))
    assert schedule_hash(arrivals[1:]) != schedule_hash(arrivals)
    assert schedule_hash(arrivals) == "d5240bdc1f92accae9151f66092b52c5b9d432678dabdaccaf9a855a68ad191a"


@pytest.mark.parametrize(
    ("phase", "named"),
    [
        (ArrivalPhase("early", -1.0, 5.0, Constant(1.0)), "'early' runs from -1.0"),
        (ArrivalPhase("empty", 5.0, 5.0, Constant(1.0)), "'empty' runs from 5.0"),
        (ArrivalPhase("endless", 0.0, math.inf, Constant(1.0)), "'endless'"),
        (ArrivalPhase("negative", 0.0, 5.0, Poisson(-0.1)), "rate of -0.1"),
        (ArrivalPhase("nan", 0.0, 5.0, Constant(math.nan)), "rate of nan"),
        (ArrivalPhase("minus", 0.0, 5.0, Burst(-3, 1.0)), "burst of -3"),
        (ArrivalPhase("long", 0.0, 5.0, Burst(3, 5.5)), "its burst 5.5 s"),
    ],
)
def test_a_phase_that_makes_no_sense_is_refused_by_name(phase: ArrivalPhase, named: str) -> None:
    """The error names the phase and the value."""
    with pytest.raises(UsageError, match=named):
        build_schedule([phase], seed=1, sizes=SIZES)


@pytest.mark.parametrize("kind", [Constant(1e9), Poisson(1e9), Burst(MESSAGES_MAX + 1, 1.0)])
def test_a_workload_of_too_many_messages_is_refused_before_it_is_drawn(kind: Constant | Poisson | Burst) -> None:
    """A typing error in a rate must not fill the memory of the machine first."""
    with pytest.raises(UsageError, match=f"at most {MESSAGES_MAX}"):
        build_schedule([ArrivalPhase("typo", 0.0, 10.0, kind)], seed=1, sizes=SIZES)


def test_a_workload_of_too_many_bytes_is_refused() -> None:
    """The broker would have to keep them on its disk."""
    sizes = PayloadSizes(3_000_000, 3_000_000)
    too_many = BYTES_MAX // 3_000_000 + 1

    with pytest.raises(UsageError, match="at most 40 GB"):
        build_schedule([ArrivalPhase("flood", 0.0, 10.0, Burst(too_many, 1.0))], seed=1, sizes=sizes)


def test_too_many_phases_are_refused() -> None:
    """A timeline is written by hand."""
    with pytest.raises(UsageError, match=str(PHASES_MAX)):
        build_schedule([STEADY] * (PHASES_MAX + 1), seed=1, sizes=SIZES)
