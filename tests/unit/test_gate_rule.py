"""The gate's rule: significant and larger than the effect, each alone not enough; and how many repeats that takes."""

from typing import Any

import numpy as np
import pytest

from harness.gate.comparison import compare
from harness.gate.metrics import KEPT, METRICS, PEAK, RATE, SLOPE
from harness.gate.power import PILOT, REPEATS_MAX, needed, share_found
from harness.record import Verdict
from harness.record.gate import BASELINE, CANDIDATE, Comparison, Repeat

QUIET = {"peak": 100.0, "kept": 20.0, "slope": 0.0, "throughput": 40.0}


def repeats(build: str, number: int = 6, *, spread: float = 0.003, seed: int = 1, **changes: float) -> list[Repeat]:
    """Return repeats around the quiet figures, each changed by its factor or, for what lies around zero, its amount."""
    random = np.random.default_rng(seed)

    def figure(name: str) -> float:
        metric = next(each for each in METRICS if each.name == name)
        change = changes.get(name, 0.0)
        level = QUIET[name] * (1 + change) if metric.relative else QUIET[name] + change
        return float(level + random.normal(0, spread * 100))

    return [Repeat(build, {name: figure(name) for name in QUIET}) for _ in range(number)]


def compared(effects: dict[str, float] | None = None, **changes: Any) -> dict[str, Comparison]:
    """Compare a quiet baseline with a candidate that has these changes."""
    both = [*repeats(BASELINE, seed=2), *repeats(CANDIDATE, seed=3, **changes)]
    return {each.metric: each for each in compare(both, effects or {})}


def test_the_same_build_passes_in_every_metric() -> None:
    """Guarantees the good case."""
    assert {each.verdict for each in compared().values()} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("metric", "change"),
    [("peak", 0.05), ("kept", 4.8), ("slope", 20.0), ("throughput", -0.6)],
    ids=str,
)
def test_a_change_for_the_worse_turns_its_metric_red_and_no_other(metric: str, change: float) -> None:
    """Guarantees that each metric can turn red, by the change that the gate is made to find."""
    found = compared(None, **{metric: change})
    assert {name: each.verdict for name, each in found.items()} == {
        name: Verdict.FAIL if name == metric else Verdict.PASS for name in QUIET
    }


@pytest.mark.parametrize(("metric", "change"), [("peak", -0.2), ("kept", -9.0), ("slope", -30.0), ("throughput", 1.0)])
def test_a_change_for_the_better_passes(metric: str, change: float) -> None:
    """Guarantees that an improvement, however large, is no regression."""
    assert compared(None, **{metric: change})[metric].verdict is Verdict.PASS


def test_a_significant_change_within_the_effect_passes() -> None:
    """Guarantees that significance alone is not enough: 2 % with a spread of 0.1 % is certain, and let pass."""
    peak = compared(peak=0.02, spread=0.001)["peak"]
    assert peak.low > 0
    assert peak.verdict is Verdict.PASS


def test_a_large_change_that_may_be_chance_passes() -> None:
    """Guarantees that size alone is not enough: 6 % among repeats that differ by 10 % proves nothing."""
    peaks = {BASELINE: (90.0, 95.0, 100.0, 101.0, 105.0, 110.0), CANDIDATE: (92.0, 99.0, 106.0, 107.0, 112.0, 118.0)}
    both = [Repeat(build, {**QUIET, "peak": peak}) for build, found in peaks.items() for peak in found]
    peak = next(each for each in compare(both, {}) if each.metric == "peak")
    assert peak.change > peak.effect
    assert peak.low <= 0
    assert peak.verdict is Verdict.PASS


def test_the_effect_is_the_users_to_choose() -> None:
    """Guarantees that --effect moves the line."""
    assert compared(effects={"peak": 0.06}, peak=0.05)["peak"].verdict is Verdict.PASS


def test_with_too_few_repeats_there_is_no_answer() -> None:
    """Guarantees unknown, not pass, where there is no interval."""
    both = [*repeats(BASELINE), *repeats(CANDIDATE, 2)]
    assert {each.verdict for each in compare(both, {})} == {Verdict.UNKNOWN}


def test_the_same_samples_give_the_same_interval() -> None:
    """Guarantees that judging again changes nothing."""
    assert compared(peak=0.04) == compared(peak=0.04)


class TestPower:
    """The number of repeats, from the spread alone."""

    def test_a_steady_peak_takes_no_more_than_the_pilot(self) -> None:
        """Guarantees that nobody waits for certainty that is there already."""
        found = needed([*repeats(BASELINE, PILOT), *repeats(CANDIDATE, PILOT)], effect=0.03, find=0.05, power=0.95)
        assert found.repeats == PILOT
        assert found.power >= 0.95
        assert "found with a power of" in found.text(0.05, 0.95)

    def test_a_noisier_peak_takes_more(self) -> None:
        """Guarantees that the number follows the spread, and that the power is reached with it."""
        both = [*repeats(BASELINE, PILOT, spread=0.012), *repeats(CANDIDATE, PILOT, spread=0.012, seed=5)]
        found = needed(both, effect=0.03, find=0.05, power=0.95)
        assert PILOT < found.repeats < REPEATS_MAX
        assert share_found(found.repeats, spread=found.spread, change=0.05, effect=0.03) >= 0.95

    def test_a_power_that_cannot_be_reached_is_said(self) -> None:
        """Guarantees that the gate never claims a power that it has not."""
        both = [*repeats(BASELINE, PILOT, spread=0.1), *repeats(CANDIDATE, PILOT, spread=0.1, seed=5)]
        found = needed(both, effect=0.03, find=0.05, power=0.95)
        assert found.repeats == REPEATS_MAX
        assert "would take more than 12" in found.text(0.05, 0.95)

    def test_whether_the_builds_differ_plays_no_part(self) -> None:
        """Guarantees that looking at the pilot can't bias the verdict: a planted change leaves the number as it is."""
        same = [*repeats(BASELINE, PILOT), *repeats(CANDIDATE, PILOT, seed=5)]
        worse = [*repeats(BASELINE, PILOT), *repeats(CANDIDATE, PILOT, seed=5, peak=0.2)]
        chosen = [needed(each, effect=0.03, find=0.05, power=0.95).repeats for each in (same, worse)]
        assert chosen[0] == chosen[1]

    def test_no_change_is_hardly_ever_found(self) -> None:
        """Guarantees the other side: false alarms below 1 % at every number of repeats, for the noisiest of these."""
        shares = [
            share_found(number, spread=0.012, change=0.0, effect=0.03) for number in range(PILOT, REPEATS_MAX + 1)
        ]
        assert max(shares) <= 0.01


def test_a_metric_that_the_workload_cannot_show_is_left_out_and_a_needed_one_is_unknown() -> None:
    """Guarantees that a short workload without a slope is still judged, and that a peak nobody read is no pass."""
    shown = {PEAK: 88.0, KEPT: 0.0, SLOPE: 1.0, RATE: 9.0}

    def verdicts(*lacking: str) -> dict[str, Verdict]:
        metrics = {name: value for name, value in shown.items() if name not in lacking}
        repeats = [Repeat(build, metrics) for build in (BASELINE, CANDIDATE) for _ in range(3)]
        return {each.metric: each.verdict for each in compare(repeats, {})}

    assert set(verdicts()) == set(shown)
    assert verdicts(SLOPE, RATE) == {PEAK: Verdict.PASS, KEPT: Verdict.PASS}
    assert verdicts(KEPT)[KEPT] is Verdict.UNKNOWN
