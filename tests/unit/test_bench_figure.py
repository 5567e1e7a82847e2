"""The figures of the bench: medians, ratios pair by pair, and whether an aim is met."""

import pytest

from harness.bench.figure import Aim, Figure, Spread, alone, compared


def test_the_median_decides_and_the_spread_is_kept() -> None:
    """Guarantees that one slow repeat moves neither the figure nor out of sight."""
    spread = Spread.of([3.0, 90.0, 2.0])

    assert spread == Spread(median=3.0, low=2.0, high=90.0, repeats=3)


def test_nothing_measured_is_an_error_and_not_a_zero() -> None:
    """Guarantees that a benchmark without a single repeat can't give a figure."""
    with pytest.raises(ValueError, match="no sample"):
        Spread.of([])


def test_the_ratio_is_taken_repeat_by_repeat() -> None:
    """Guarantees that a machine that slows down half-way does not change a ratio that was the same in every pair."""
    figure = compared("f", "MB/s", [100.0, 50.0, 10.0], [200.0, 100.0, 20.0], against="bare")

    assert figure.ratio == Spread(0.5, 0.5, 0.5, 3)
    assert figure.baseline == Spread(100.0, 20.0, 200.0, 3)


def test_a_single_measurement_is_paired_with_every_baseline() -> None:
    """Guarantees that what can be played only once is still compared with a median of repeats."""
    figure = compared("f", "s", [12.0], [8.0, 6.0, 12.0], against="bare")

    assert figure.ratio == Spread(1.5, 1.0, 2.0, 3)
    assert figure.value == Spread(12.0, 12.0, 12.0, 1)


def test_measurements_that_have_no_partner_are_refused() -> None:
    """Guarantees that a lost repeat is noticed and not silently left out of the ratio."""
    with pytest.raises(ValueError, match="zip"):
        compared("f", "s", [1.0, 2.0], [1.0, 2.0, 3.0], against="bare")


@pytest.mark.parametrize(
    ("aim", "samples", "met"),
    [
        (Aim("ratio", "<=", 1.5), [15.0], True),
        (Aim("ratio", "<=", 1.5), [15.1], False),
        (Aim("ratio", ">=", 0.9), [9.0], True),
        (Aim("ratio", ">=", 0.9), [8.9], False),
        (Aim("value", "<", 200.0), [199.9], True),
        (Aim("value", "<", 200.0), [200.0], False),
        (Aim("value", "<=", 2.0), [2.0], True),
    ],
)
def test_an_aim_is_met_or_missed_by_the_median(aim: Aim, samples: list[float], met: bool) -> None:
    """Guarantees what counts as met at the bound itself and just beyond it, for ratios and for values."""
    assert compared("f", "u", samples, [10.0], against="bare", aim=aim).met is met


def test_an_outlier_alone_does_not_miss_an_aim() -> None:
    """Guarantees that the aim is judged on the median, not on the worst repeat."""
    assert alone("f", "MiB", [100.0, 120.0, 900.0], aim=Aim("value", "<", 200.0)).met is True


def test_without_an_aim_or_a_measurement_nothing_is_met_or_missed() -> None:
    """Guarantees the third answer: a figure that was not measured is neither yes nor no."""
    assert alone("f", "MB/s", [1.0]).met is None
    assert Figure("f", "s", None, aim=Aim("ratio", "<=", 1.5), note="no kill").met is None
