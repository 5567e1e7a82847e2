"""The summary of a workload: a generator that was too slow is said, not hidden."""

import pytest

from harness.load.schedule import Arrival
from harness.load.summary import LoadSummary, summarise
from harness.record import Publish


def name(index: int) -> str:
    """An id."""
    return f"conv-00000000-{index:06d}"


def schedule(*times_s: float) -> tuple[Arrival, ...]:
    """A schedule of these times."""
    return tuple(Arrival(time_s, name(index), 0) for index, time_s in enumerate(times_s))


def published(
    arrivals: tuple[Arrival, ...], *, late_s: float = 0.0, per_message_s: float = 0.0, confirmed: bool = True
) -> tuple[Publish, ...]:
    """What a generator makes of a schedule that starts ``late_s`` late and needs ``per_message_s`` for each message."""
    publishes = []
    free_s = 0.0
    for arrival in arrivals:
        sent_s = max(arrival.intended_s + late_s, free_s)
        free_s = sent_s + per_message_s
        confirmed_s, error = (free_s, None) if confirmed else (None, "NackError")
        publishes.append(Publish(arrival.message_id, arrival.intended_s, sent_s, confirmed_s, 100, error))
    return tuple(publishes)


# A trickle, then a burst of 100 messages in one second.
WORKLOAD = schedule(0.0, 1.0, 2.0, *(5.0 + index / 100 for index in range(100)), 9.0)


def test_a_generator_that_keeps_up_achieves_what_was_offered() -> None:
    """The rates are those of the busiest second, not thinned by the calm around it."""
    summary = summarise(WORKLOAD, published(WORKLOAD))

    assert summary == LoadSummary(
        planned=104,
        attempted=104,
        confirmed=104,
        failed=0,
        offered_per_s=100.0,
        achieved_per_s=100.0,
        lateness_p50_s=0.0,
        lateness_max_s=0.0,
    )


def test_a_generator_that_is_too_slow_is_seen() -> None:
    """At 25 messages a second a burst of 100 takes four: both the rate and the lateness tell."""
    summary = summarise(WORKLOAD, published(WORKLOAD, per_message_s=0.04))

    assert summary.offered_per_s == 100.0
    assert summary.achieved_per_s == pytest.approx(25.0, rel=0.02)
    assert summary.lateness_max_s == pytest.approx(3.0, rel=0.02)
    assert summary.confirmed == 104


def test_a_late_start_is_seen() -> None:
    """Publishers that were not ready at replay time zero."""
    summary = summarise(WORKLOAD, published(WORKLOAD, late_s=1.0))

    assert summary.lateness_p50_s == pytest.approx(1.0)
    assert summary.achieved_per_s < summary.offered_per_s


def test_messages_that_were_not_confirmed_are_not_achieved() -> None:
    """A broker that takes nothing makes the rate zero, however fast it was offered."""
    summary = summarise(WORKLOAD, published(WORKLOAD, confirmed=False))

    assert (summary.attempted, summary.confirmed, summary.failed) == (104, 0, 104)
    assert summary.achieved_per_s == 0.0


def test_messages_that_were_never_attempted_are_seen() -> None:
    """A deadline that came first: planned and attempted differ, and the busiest second fell short."""
    summary = summarise(WORKLOAD, published(WORKLOAD)[:53])

    assert (summary.planned, summary.attempted) == (104, 53)
    assert summary.achieved_per_s == 50.0


def test_before_the_first_attempt_there_is_no_lateness() -> None:
    """None is not zero: nothing was on time."""
    summary = summarise(WORKLOAD, ())

    assert summary.lateness_p50_s is None
    assert summary.lateness_max_s is None
    assert summary.achieved_per_s == 0.0


def test_an_empty_workload_has_an_empty_summary() -> None:
    """A scenario without messages is not an error here."""
    assert summarise((), ()) == LoadSummary(0, 0, 0, 0, 0.0, 0.0, None, None)
