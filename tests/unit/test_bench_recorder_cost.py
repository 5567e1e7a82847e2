"""The flight recorder's price, from its own record."""

from harness.bench.recorder_cost import recorder_figure
from harness.record.flight import Flight, FlightSample


def test_the_share_is_of_the_time_in_which_the_worker_held_messages() -> None:
    """Guarantees that an idle start does not make the recorder look cheaper, and that the aim can be missed."""
    samples = (
        FlightSample(0.0, bodies=0, recorder_cpu_s=0.0),
        FlightSample(100.0, bodies=3, recorder_cpu_s=0.1),
        FlightSample(110.0, bodies=900, recorder_cpu_s=0.3),
    )
    figure = recorder_figure(Flight(samples))

    assert figure.value is not None
    assert round(figure.value.median, 6) == 2.0
    assert figure.met is False


def test_a_worker_that_recorded_nothing_has_no_figure() -> None:
    """Guarantees that a missing record is said, and is no zero."""
    assert recorder_figure(Flight()).value is None
    assert recorder_figure(Flight((FlightSample(1.0, bodies=1, recorder_cpu_s=0.1),))).met is None
