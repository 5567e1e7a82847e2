"""What a trial's events tell: phases as they were played, the worker's incarnations, the prefetch in force."""

import numpy as np
import pytest

from harness.record import EndedBy, Event, Incarnation, MemorySeries, PhaseSpan, Scalar
from harness.store.events_file import channels_seen, phase_spans, worker_incarnations


def entered(t_s: float, phase: str) -> Event:
    """A phase was entered."""
    return Event(t_s, "phase_entered", {"phase": phase, "from_tod_s": 100.0, "to_tod_s": 200.0, "scale": 20})


def started(t_s: float, incarnation: int) -> Event:
    """An incarnation began."""
    return Event(t_s, "worker_started", {"incarnation": incarnation, "pid": 4000 + incarnation})


def ended(t_s: float, incarnation: int, **facts: Scalar) -> Event:
    """An incarnation ended."""
    return Event(t_s, "worker_ended", {"incarnation": incarnation, **facts})


def memory(*samples: tuple[float, int, float]) -> MemorySeries:
    """A series of (time, incarnation, resident set)."""
    table = np.array(samples, dtype=np.float64).reshape(-1, 3)
    return MemorySeries.of(table[:, 0], table[:, 1].astype(np.int64), table[:, 2])


def test_a_phase_ends_where_the_next_begins_and_the_last_with_the_record() -> None:
    """Guarantees spans as they were played, not as they were planned."""
    events = [entered(0.0, "healthy"), Event(3.0, "told"), entered(5.0, "burst"), Event(9.0, "a"), Event(8.0, "late")]

    assert phase_spans(events) == (
        PhaseSpan("healthy", 0.0, 5.0, 100.0, 200.0, 20.0),
        PhaseSpan("burst", 5.0, 9.0, 100.0, 200.0, 20.0),
    )


def test_without_a_phase_there_is_no_span() -> None:
    """Guarantees an empty timeline for a trial that broke before its workload."""
    assert phase_spans([]) == ()
    assert phase_spans([Event(1.0, "worker_started", {"incarnation": 0, "pid": 1})]) == ()


def test_an_incarnation_is_what_the_supervisor_saw_of_it() -> None:
    """Guarantees each field of an incarnation, and that incarnations keep their order."""
    facts = {"exit_status": 137, "oom_kill_delta": 1, "peak_cgroup_bytes": 3000, "peak_rss_bytes": 2900}
    events = [
        started(-1.0, 0),
        ended(10.0, 0, ended_by="kernel", **facts),
        started(11.0, 1),
        ended(20.0, 1, exit_status=0, oom_kill_delta=0, ended_by="harness"),
    ]

    assert worker_incarnations(events, MemorySeries.empty()) == (
        Incarnation(0, 4000, -1.0, 10.0, 137, 1, 3000, 2900, EndedBy.KERNEL),
        Incarnation(1, 4001, 11.0, 20.0, 0, 0, None, None, EndedBy.HARNESS),
    )


def test_an_incarnation_whose_end_nobody_saw_has_an_unknown_end() -> None:
    """Guarantees that a record which was cut off claims no ending."""
    (incarnation,) = worker_incarnations([started(0.0, 0)], memory((1.0, 0, 500.0), (2.0, 0, 700.0)))

    assert incarnation.ended_by == "unknown"
    assert (incarnation.ended_s, incarnation.exit_status) == (None, None)
    assert incarnation.peak_rss_bytes == 700


def test_the_highest_resident_set_is_the_larger_of_the_kernels_and_the_samplers() -> None:
    """Guarantees that a mark which one of the two missed is not lost, incarnation by incarnation."""
    events = [started(0.0, 0), ended(5.0, 0, peak_rss_bytes=900), started(6.0, 1), ended(9.0, 1, peak_rss_bytes=100)]
    series = memory((1.0, 0, 500.0), (7.0, 1, 650.0), (8.0, 1, 640.0))

    assert [incarnation.peak_rss_bytes for incarnation in worker_incarnations(events, series)] == [900, 650]


def test_the_effective_prefetch_is_what_the_broker_said() -> None:
    """Guarantees one number for each consumer seen, 0 included."""
    events = [
        Event(1.0, "channel_seen", {"prefetch_per_consumer": 10}),
        Event(2.0, "channel_seen", {"prefetch_per_consumer": 0}),
    ]
    assert [seen.holds_at_most for seen in channels_seen(events)] == [10, 0]


@pytest.mark.parametrize(
    "event",
    [Event(0.0, "phase_entered", {}), Event(0.0, "worker_started", {"incarnation": "zero"})],
    ids=lambda e: e.kind,
)
def test_an_event_that_lacks_what_belongs_to_it_is_an_error(event: Event) -> None:
    """Guarantees that nothing is made up; the reader says it as damage."""
    with pytest.raises((KeyError, TypeError)):
        (phase_spans([event]), worker_incarnations([event], MemorySeries.empty()))
