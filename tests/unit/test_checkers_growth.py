"""The checkers of what stays: growth with the messages, the way back to the baseline, and the slope beneath."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.checkers.memory import baseline, budget
from harness.checkers.memory import growth as growth_check
from harness.checkers.memory.baseline import ReturnsToBaseline
from harness.checkers.memory.budget import MemoryBudget
from harness.checkers.memory.growth import MemoryGrowth
from harness.checkers.memory.slope import theil_sen, window_medians
from harness.record import MIB, CallOutcome, DependencyCall, Drain, MemorySeries, QueueSample, Verdict
from tests.drill_records import (
    AFTER,
    MB,
    case,
    charged,
    climbing,
    incarnation,
    memory,
    queue,
    raised_at_the_end,
    trial,
)

LEAK = MemoryGrowth(per_1000_at_most="15 MiB")
BASELINE = ReturnsToBaseline(baseline="healthy", above_at_most="20 MB")


def noisy(per_1000_bytes: float, noise_bytes: float = MB) -> MemorySeries:
    """Return the samples of a worker that leaks, with the noise of messages in flight."""
    series = climbing(memory((0, 49, 0, 110 * MB)), per_1000_bytes, acked_per_s=20.0)
    noise = np.random.default_rng(7).normal(0.0, noise_bytes, series.t_s.size)
    return charged(replace(series, rss_bytes=series.rss_bytes + noise))


class TestSlope:
    """Theil–Sen's slope, and Sen's interval."""

    def test_a_line_has_its_slope_and_no_width(self) -> None:
        """Guarantees the estimate itself."""
        x = np.arange(20.0)
        slope = theil_sen(x, 3 * x + 5)
        assert slope is not None
        assert (slope.per_unit, slope.low, slope.high) == pytest.approx((3.0, 3.0, 3.0))

    def test_wild_samples_do_not_bend_it(self) -> None:
        """Guarantees robustness: a fifth of the points far off, and the slope is still that of the rest."""
        x = np.arange(50.0)
        y = 2 * x
        y[::5] += 10_000
        slope = theil_sen(x, y)
        assert slope is not None
        assert slope.per_unit == pytest.approx(2.0, abs=0.5)

    def test_its_interval_holds_the_truth_about_as_often_as_it_says(self) -> None:
        """Guarantees the 95 %: of 400 noisy lines the true slope is in the interval of 92 % at least."""
        random = np.random.default_rng(1)
        x = np.arange(24.0)
        found = [theil_sen(x, 0.5 * x + random.normal(size=24)) for _ in range(400)]
        held = sum(each is not None and each.low <= 0.5 <= each.high for each in found)
        assert held >= 0.92 * 400

    def test_too_few_different_x_give_no_slope(self) -> None:
        """Guarantees that a handful of points, or one x many times over, is no trend."""
        assert theil_sen(np.arange(7.0), np.arange(7.0)) is None
        assert theil_sen(np.ones(50), np.arange(50.0)) is None

    def test_windows_take_medians_and_leave_empty_stretches_out(self) -> None:
        """Guarantees that a long wait at one count of messages weighs no more than any other stretch."""
        x = np.array([0.0, 0.1, 0.2, 9.8, 9.9, 10.0])
        y = np.array([1.0, 1.0, 100.0, 2.0, 2.0, 2.0])
        at, medians = window_medians(x, y, 10)
        assert at.tolist() == pytest.approx([0.1, 9.9])
        assert medians.tolist() == [1.0, 2.0]
        assert window_medians(np.empty(0), np.empty(0), 10)[0].size == 0


class TestMemoryGrowth:
    """``memory_growth``: bytes of resident set that a thousand finished messages add."""

    def test_a_flat_worker_passes_and_says_its_interval(self) -> None:
        """Guarantees the good case, under the noise of messages in flight."""
        result = growth_check.check(case(AFTER, memory=noisy(0.0), queue=queue(20.0)), LEAK)
        assert result.verdict is Verdict.PASS
        assert "95 %" in result.measured

    def test_a_leak_above_the_threshold_fails(self) -> None:
        """Guarantees that a leak is found long before it is a peak: here 29 MB on 110."""
        result = growth_check.check(case(AFTER, memory=noisy(30.0 * MB), queue=queue(20.0)), LEAK)
        assert result.verdict is Verdict.FAIL
        assert result.measured.startswith("28.")
        assert "--profile" in result.detail

    def test_an_interval_on_both_sides_of_the_threshold_is_unknown(self) -> None:
        """Guarantees that too few messages, or too much noise, are neither a pass nor a failure."""
        result = growth_check.check(case(AFTER, memory=noisy(15.5 * MB, 20 * MB), queue=queue(20.0)), LEAK)
        assert result.verdict is Verdict.UNKNOWN
        assert "too few to tell" in result.detail

    def test_what_came_before_the_warm_up_is_not_counted(self) -> None:
        """Guarantees that pools and caches which fill once are no leak."""
        filling = memory((0, 4, 0, 60 * MB), (4, 49, 0, 110 * MB))
        assert growth_check.check(case(AFTER, memory=filling, queue=queue(20.0)), LEAK).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"incarnations": ()}, "never started"),
            ({"queue": (), "calls": ()}, "play more"),
            ({"memory": MemorySeries.empty()}, "play more"),
            ({"queue": queue(0.0), "calls": ()}, "play more"),
        ],
        ids=["never started", "no counts", "no samples", "nothing finished"],
    )
    def test_without_a_slope_it_is_unknown(self, changes: dict[str, Any], said: str) -> None:
        """Guarantees that a worker which nobody measured has no growth, and that the reason is said."""
        result = growth_check.check(case(AFTER, **changes), LEAK)
        assert result.verdict is Verdict.UNKNOWN
        assert said in result.detail


def outage(kept_bytes: float, *, ends_at: float = 0.0, noise_bytes: float = MB) -> dict[str, Any]:
    """Return changes: 300 messages finish by 20 s, then ten fail 300 times until 32 s, then all is well.

    Each failure keeps so many bytes; ``ends_at`` of them are given back at 40 s.
    """
    acked = tuple(QueueSample(n / 2, 0, 5, 0, min(300, int(n * 7.5)) + (10 if n > 70 else 0)) for n in range(98))
    failed = np.linspace(20.0, 32.0, 300)
    good = np.linspace(0.1, 19.9, 300)
    bad_calls = tuple(DependencyCall("/x", "c-1", 1, "status", 503, at, 0.1, CallOutcome.ANSWERED) for at in failed)
    calls = tuple(DependencyCall("/x", "c-2", 1, "answer", 200, at, 0.1, CallOutcome.ANSWERED) for at in good)
    series = memory((0, 49, 0, 60 * MB))
    attempts = np.searchsorted(failed, series.t_s) * kept_bytes
    attempts[series.t_s > 40] *= 1 - ends_at
    noise = np.random.default_rng(3).normal(0.0, noise_bytes, series.t_s.size)
    series = charged(replace(series, rss_bytes=series.rss_bytes + attempts + noise))
    return {"memory": series, "queue": acked, "calls": (*calls, *bad_calls)}


class TestGrowthThatHides:
    """Growth where nothing is finished, in a step, in a child, or across restarts; and what is no growth at all."""

    SIXTY = MemoryGrowth(per_1000_at_most="60 MiB")

    def test_what_an_outage_leaves_fails_and_the_phase_is_named(self) -> None:
        """Guarantees that 90 MB kept while nothing is acknowledged are growth, flat as the slope over messages is."""
        result = growth_check.check(case(AFTER, **outage(0.3 * MB)), self.SIXTY)

        assert result.verdict is Verdict.FAIL
        assert "8" in result.measured.rpartition(";")[2]
        assert "largest step" in result.detail
        assert "The smallest growth that this run could have shown" in result.detail

    def test_an_outage_that_leaves_nothing_passes(self) -> None:
        """Guarantees green for the same workload: failures come and go, and nothing is kept."""
        assert growth_check.check(case(AFTER, **outage(0.0)), self.SIXTY).verdict is Verdict.PASS

    def test_what_is_given_back_is_no_growth(self) -> None:
        """Guarantees that what is in hand during an outage, and freed afterwards, is not held against the worker."""
        assert growth_check.check(case(AFTER, **outage(0.3 * MB, ends_at=1.0)), self.SIXTY).verdict is Verdict.PASS

    def test_what_an_allocator_keeps_of_a_burst_is_no_growth(self) -> None:
        """Guarantees green for 40 MB that stay of 200 that were in use at once."""
        burst = charged(memory((0, 20, 0, 60 * MB), (20, 30, 0, 260 * MB), (30, 49, 0, 100 * MB)))
        quiet = {**outage(0.0), "memory": burst}
        assert growth_check.check(case(AFTER, **quiet), self.SIXTY).verdict is Verdict.PASS

    def test_a_step_that_stays_is_growth(self) -> None:
        """Guarantees red for memory that is taken at once, late, and never given back: most of its own peak."""
        step = charged(memory((0, 41, 0, 60 * MB), (41, 49, 0, 150 * MB)))
        assert growth_check.check(case(AFTER, **{**outage(0.0), "memory": step}), self.SIXTY).verdict is Verdict.FAIL

    @pytest.mark.parametrize(("per_message_bytes", "verdict"), [(0.3 * MB, Verdict.FAIL), (0.0, Verdict.PASS)])
    def test_a_worker_that_recycles_itself_is_judged_within_each_incarnation(
        self, per_message_bytes: float, verdict: Verdict
    ) -> None:
        """Guarantees that a restart, which sets memory back, hides no leak and makes none."""
        lives = tuple(incarnation(n, started_s=n * 10.0, ended_s=n * 10.0 + 9) for n in range(5))
        series = memory(*((n * 10.0, n * 10.0 + 9, n, 60 * MB) for n in range(5)))
        leaked = (series.t_s % 10) * 6 * per_message_bytes
        noise = np.random.default_rng(5).normal(0.0, 0.3 * MB, series.t_s.size)
        series = charged(replace(series, rss_bytes=series.rss_bytes + leaked + noise))
        result = growth_check.check(case(AFTER, incarnations=lives, memory=series, queue=queue(6.0)), self.SIXTY)

        assert result.verdict is verdict
        assert "within each of 5 incarnations" in result.detail

    def test_a_leak_in_a_child_is_the_containers(self) -> None:
        """Guarantees red where the first process's resident set stands still and the cgroup climbs."""
        series = climbing(memory((0, 49, 0, 40 * MB)), 300 * MB, acked_per_s=20.0)
        child = replace(series, rss_bytes=np.full(series.t_s.size, 35.0 * MB))
        result = growth_check.check(case(AFTER, memory=child, queue=queue(20.0)), self.SIXTY)
        assert result.verdict is Verdict.FAIL


class TestBackAtBaseline:
    """``returns_to_baseline``: the end against the worker's own level before the workload."""

    def test_exactly_the_allowance_passes(self) -> None:
        """Guarantees the edge."""
        series = memory((0, 10, 0, 100 * MB), (10, 40, 0, 300 * MB), (40, 49, 0, 120 * MB))
        assert baseline.CHECK(case(AFTER, memory=series), BASELINE).verdict is Verdict.PASS

    def test_what_the_workload_left_behind_fails(self) -> None:
        """Guarantees that a worker which keeps 30 MB of the workload has not recovered."""
        result = baseline.CHECK(case(AFTER, memory=raised_at_the_end()), BASELINE)
        assert result.verdict is Verdict.FAIL
        assert result.measured == "29 MiB above 105 MiB"

    @pytest.mark.parametrize(
        "changes",
        [
            {"memory": MemorySeries.empty()},
            {"phases": trial(AFTER).phases[1:]},
            {"drain": None},
            {"drain": Drain(False, 9.0, "7 ready")},
            {"incarnations": (incarnation(), incarnation(1))},
            {"incarnations": (incarnation(ended_by="itself"),)},
        ],
        ids=["no samples", "no such phase", "cut off", "not drained", "restarted", "gone"],
    )
    def test_without_one_whole_incarnation_to_its_drain_it_is_unknown(self, changes: dict[str, Any]) -> None:
        """Guarantees that a hole in the record, or another process, is no recovery."""
        assert baseline.CHECK(case(AFTER, **changes), BASELINE).verdict is Verdict.UNKNOWN


class TestBudgetOfTheResidentSet:
    """``budget.rss_at_most``: a second budget, for the resident set's own high-water mark."""

    BUDGET = MemoryBudget(peak_at_most="300 MiB", rss_at_most="290 MiB")

    def test_both_marks_at_their_budgets_pass_and_are_said(self) -> None:
        """Guarantees the edge, and that both figures are printed."""
        result = budget.check(case(AFTER), self.BUDGET)
        assert result.verdict is Verdict.PASS
        assert result.measured == "peak 105 MiB (working set), 290 MiB (resident sets)"
        assert result.threshold == "working set at most 300 MiB, resident sets at most 290 MiB"

    def test_one_byte_of_resident_set_too_much_fails(self) -> None:
        """Guarantees that the cgroup's budget does not hide the resident set's."""
        incarnations = (incarnation(peak_rss_bytes=290 * MIB + 1),)
        result = budget.check(case(AFTER, incarnations=incarnations), self.BUDGET)
        assert result.verdict is Verdict.FAIL
        assert result.detail.startswith("Resident sets 1 bytes above")

    def test_a_resident_set_that_was_never_read_is_unknown(self) -> None:
        """Guarantees that the cgroup's mark does not stand in for it."""
        incarnations = (incarnation(peak_rss_bytes=None),)
        assert budget.check(case(AFTER, incarnations=incarnations), self.BUDGET).verdict is Verdict.UNKNOWN
