"""Fidelity, figures and tables: numbers computed by hand, so that a report's figure means what it says."""

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.memory import fidelity
from harness.checkers.memory.fidelity import Fidelity
from harness.judging.metrics import burst_to_first_kill_s, figures, hanging_phases
from harness.judging.tables import NOT_MEASURED, metric_rows, minute_rows
from harness.record import MIB, CallOutcome, MemorySeries, Outcome, ReportedPoint, Verdict, WorkerGauge
from tests.drill_records import (
    AFTER,
    BEFORE,
    KILL_S,
    LIMIT_BYTES,
    MB,
    PHASES,
    calls,
    case,
    incarnation,
    killed,
    memory,
    run_of,
    scenario,
    trial,
)
from tests.scenario_documents import document

WITHIN_TWO = Fidelity(typical_factor_at_most=2)
CLIMB = ReportedPoint(39_720.0, 400 * MB, 500 * MB, "", "")
KILL = ReportedPoint(39_810.0, 900 * MB, 1000 * MB, "", "")


class TestFidelity:
    """``fidelity``: two to the root mean square of the base-2 logarithms of the factors."""

    @pytest.mark.parametrize(
        ("measured", "factor"),
        [(400, 1.0), (450, 1.0), (500, 1.0), (200, 2.0), (1000, 2.0), (100, 4.0), (0, math.inf)],
    )
    def test_a_point_is_off_by_the_factor_to_the_nearest_reported_value(self, measured: float, factor: float) -> None:
        """Guarantees that any value of the reported range is a perfect fit, and both directions count alike."""
        assert fidelity.off_by(measured * MB, CLIMB) == factor

    def test_the_typical_factor_is_the_root_mean_square_of_the_logarithms(self) -> None:
        """Guarantees the metric by hand: off by 2 and by 8 are 1 and 3 octaves, so 2 to the root of (1 + 9) / 2."""
        climb = replace(CLIMB, memory_low_bytes=900 * MB, memory_high_bytes=900 * MB)
        kill = replace(KILL, memory_low_bytes=8 * LIMIT_BYTES, memory_high_bytes=8 * LIMIT_BYTES)

        factor = fidelity.typical_factor(trial(BEFORE), (climb, kill))

        assert factor == pytest.approx(2 ** math.sqrt(5))

    def test_a_perfect_fit_is_one(self) -> None:
        """Guarantees the other end of the scale."""
        kill = replace(KILL, memory_high_bytes=LIMIT_BYTES)
        assert fidelity.typical_factor(trial(BEFORE), (CLIMB, kill)) == 1.0

    def test_memory_at_a_moment_is_the_median_around_it(self) -> None:
        """Guarantees that one odd sample does not decide: 11:02:00 is 12 s into the replay."""
        odd = memory((0, 12.0, 0, 450 * MB), (12.0, 12.1, 0, 9000 * MB), (12.1, 49, 0, 450 * MB))
        assert fidelity.memory_at(trial(BEFORE, memory=odd), 39_720.0) == 450 * MB

    def test_a_near_curve_passes_and_a_far_one_is_not_reproduced(self) -> None:
        """Guarantees both verdicts of a before arm."""
        assert fidelity.check(case(BEFORE), WITHIN_TWO).verdict is Verdict.PASS
        flat = memory((0, 49, 0, 20 * MB))
        result = fidelity.check(case(BEFORE, memory=flat), WITHIN_TWO)
        assert result.verdict is Verdict.UNKNOWN
        assert result.measured.startswith("typically off by ×")

    def test_a_curve_off_by_exactly_the_threshold_passes(self) -> None:
        """Guarantees the edge: both points are off by two."""
        half = memory((0, 49, 0, 200 * MB))
        incarnations = (killed(peak_cgroup_bytes=450 * MB), incarnation(1, peak_cgroup_bytes=100 * MB))
        assert fidelity.check(case(BEFORE, memory=half, incarnations=incarnations), WITHIN_TWO).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        "changes",
        [
            {"memory": MemorySeries.empty()},
            {"memory": memory((0, 10, 0, 450 * MB), (14, 49, 0, 450 * MB))},
            {"phases": PHASES[:1]},
            {"incarnations": ()},
        ],
        ids=["no samples", "a gap at the moment", "never reached", "no high-water mark"],
    )
    def test_a_moment_that_was_not_measured_makes_it_unknown(self, changes: dict[str, Any]) -> None:
        """Guarantees that a typical factor is never computed from a part of the points."""
        result = fidelity.check(case(BEFORE, **changes), WITHIN_TWO)

        assert result.verdict is Verdict.UNKNOWN
        assert result.measured == "a reported moment was never reached or sampled"

    def test_a_trial_that_was_cut_off_has_not_reached_the_next_point(self) -> None:
        """Guarantees that the last sample before the end is not taken for a later moment."""
        cut_off = (*PHASES[:1], replace(PHASES[1], end_s=11.0))
        assert fidelity.memory_at(trial(BEFORE, phases=cut_off), 39_720.0) is None


class TestFigures:
    """Plain numbers by name."""

    def test_the_figures_of_a_whole_run(self) -> None:
        """Guarantees every figure of both arms, in its unit."""
        found = figures(run_of(), scenario())

        assert found["incident.peak_mib"] == 1000.0
        assert found["incident.oom_kills"] == 1.0
        assert found["incident.restarts"] == 1.0
        assert found["incident.burst_to_first_kill_s"] == KILL_S - 20.0
        assert found["incident.confirmed"] == 50.0
        assert found["incident.minute_table_factor"] == pytest.approx(1.0341, abs=1e-4)
        assert found["fixed.peak_mib"] == pytest.approx(110 * MB / MIB, abs=1e-3)
        assert found["fixed.peak_cgroup_mib"] == 300.0
        assert found["fixed.peak_rss_mib"] == 290.0
        assert found["fixed.growth_mib_per_1000"] == 0.0
        assert found["fixed.budget_mib"] == 400.0
        assert found["fixed.final_mib"] == pytest.approx(110 * MB / MIB, abs=1e-3)
        assert found["fixed.finished_while_hanging_per_s"] == pytest.approx(0.1, rel=0.05)
        assert "incident.budget_mib" not in found
        assert "fixed.burst_to_first_kill_s" not in found

    def test_what_was_not_measured_and_what_is_no_number_is_left_out(self) -> None:
        """Guarantees numbers that any JSON reader takes: no null, no infinity."""
        nothing = trial(BEFORE, memory=memory((0, 49, 0, 0.0)), incarnations=(), queue=())
        found = figures(run_of(nothing), scenario())

        assert "incident.peak_mib" not in found
        assert "incident.minute_table_factor" not in found
        assert all(math.isfinite(value) for value in found.values())

    def test_without_a_recorded_limit_the_one_asked_for_is_what_a_kill_is_measured_by(self) -> None:
        """Guarantees figures for a trial whose start was never written."""
        found = figures(run_of(trial(BEFORE, limit=None)), scenario())

        assert found["incident.oom_kills"] == 1.0
        assert found["incident.burst_to_first_kill_s"] == KILL_S - 20.0

    def test_only_a_kill_after_the_burst_began_is_its_consequence(self) -> None:
        """Guarantees that a worker which died in the climb gives no time from the burst."""
        early = trial(BEFORE, incarnations=(killed(ended_s=15.0), incarnation(1)))
        assert burst_to_first_kill_s(early, scenario(), LIMIT_BYTES) is None
        both = trial(BEFORE, incarnations=(killed(ended_s=15.0), killed(1, ended_s=26.0), incarnation(2)))
        assert burst_to_first_kill_s(both, scenario(), LIMIT_BYTES) == 6.0
        assert burst_to_first_kill_s(trial(BEFORE, phases=PHASES[:2]), scenario(), LIMIT_BYTES) is None

    def test_hanging_phases_leave_out_the_first_where_others_follow(self) -> None:
        """Guarantees that calls accepted while pika-mem0 was well don't count as finished while it hung."""
        assert hanging_phases(scenario()) == ("burst",)
        alone = document()
        alone["timeline"][2]["dependency"] = {"default": {"mode": "answer"}}
        assert hanging_phases(scenario(timeline=alone["timeline"])) == ("hanging",)


def all_measures() -> Any:
    """Return the scenario with a row for every measure there is."""
    names = [
        *["memory_api_timeout", "llm_calls", "blocking_time", "retry", "memory_cleanup"],
        *["throughput", "spike", "retries", "executor_queue"],
    ]
    metrics = [{"metric": name, "before": "b", "after": "a", "measure": name} for name in names]
    return scenario(reported={"points": document()["reported"]["points"], "metrics": metrics})


def measured(**changes: Any) -> dict[str, str]:
    """Return what is measured of an after arm with ``changes``, by measure."""
    found = metric_rows(run_of(trial(BEFORE), trial(AFTER, **changes)), all_measures())
    return {row.metric: row.measured_after[AFTER] for row in found}


class TestTables:
    """The report's two tables, with what was measured beside what was promised."""

    def test_every_cell_of_the_before_and_after_table_is_measured(self) -> None:
        """Guarantees each measure by hand: six real seconds of hanging are a minute of the incident."""
        assert measured() == {
            "memory_api_timeout": "never reached: the 500 came first",
            "llm_calls": "0 calls",
            "blocking_time": "longest call 60 s",
            "retry": "7 redeliveries, 10 retries scheduled",
            "memory_cleanup": "105 MiB left at the end, of 300 MiB",
            "throughput": "0.100 msg/s while hanging",
            "spike": "peak 300 MiB, 0 kills",
            "retries": "at most 2 calls for one message",
            "executor_queue": "at most 48 waiting",
        }

    def test_a_call_that_the_worker_broke_off_shows_its_timeout(self) -> None:
        """Guarantees the measured timeout; a call that ended with its worker is not one."""
        cut = tuple(replace(call, outcome=CallOutcome.CLIENT_GONE) for call in calls() if call.mode != "answer")
        assert measured(calls=cut)["memory_api_timeout"] == "cut off after 60 s"
        died_at_17 = (killed(ended_s=17.1), killed(1, ended_s=25.1), killed(2, ended_s=34.1))
        assert measured(calls=cut, incarnations=died_at_17)["memory_api_timeout"] == "never reached: the 500 came first"

    def test_a_call_of_the_language_model_is_counted_and_blocks_nobody(self) -> None:
        """Guarantees that the two endpoints are told apart."""
        chat = replace(calls()[0], path="/openai/v1/chat/completions", duration_s=60.0, attempt=9, primary=False)
        found = measured(calls=(*calls(), chat))

        assert found["llm_calls"] == "1 calls"
        assert found["blocking_time"] == "longest call 60 s"
        assert found["retries"] == "at most 2 calls for one message"

    def test_a_row_without_a_schedule_is_no_retry(self) -> None:
        """Guarantees that only what will be tried again counts as scheduled."""
        failed = (Outcome("c-001", "FAILED", None, 1, None), Outcome("c-002", "PROCESSED", None, 0, "2026-01-01"))
        assert measured(outcomes=failed)["retry"] == "7 redeliveries, 0 retries scheduled"

    def test_what_was_not_recorded_is_not_measured(self) -> None:
        """Guarantees a table of honest gaps for a trial that left nothing."""
        nothing = {"calls": (), "queue": (), "memory": MemorySeries.empty(), "incarnations": (), "gauges": ()}
        assert set(measured(**nothing).values()) == {NOT_MEASURED}

    def test_an_arm_that_was_never_played_is_not_measured(self) -> None:
        """Guarantees the table of a run with one arm."""
        found = metric_rows(run_of(trial(BEFORE)), all_measures())
        assert {row.measured_after[AFTER] for row in found} == {NOT_MEASURED}
        assert NOT_MEASURED not in {row.measured_before[BEFORE] for row in found}

    def test_every_arm_has_a_cell_and_each_stands_on_its_own_side(self) -> None:
        """Guarantees that the fix as reported stands beside the fixed worker, each with its own figures."""
        data = document()
        arms = {**data["arms"], "postmortem": {"role": "reported", "worker": {"preset": "postmortem"}}}
        reported = replace(trial(AFTER, incarnations=(incarnation(peak_cgroup_bytes=800 * MIB),)), arm="postmortem")
        metrics = [{"metric": "spike", "before": "b", "after": "a", "measure": "spike"}]
        three = scenario(arms=arms, reported={"points": data["reported"]["points"], "metrics": metrics})

        (row,) = metric_rows(run_of(trial(BEFORE), reported, trial(AFTER)), three)

        assert row.measured_before == {"incident": "peak 1000 MiB, 1 kills"}
        assert row.measured_after == {"fixed": "peak 300 MiB, 0 kills", "postmortem": "peak 800 MiB, 0 kills"}

    def test_a_measure_that_crashes_says_so_in_its_cell(self) -> None:
        """Guarantees that a fault of a measure does not cost the verdict."""
        bad = (replace(calls()[0], duration_s="long"),)  # type: ignore[arg-type]
        assert measured(calls=bad)["blocking_time"].startswith(f"{NOT_MEASURED} (TypeError")

    def test_the_minute_table_shows_memory_and_queue_at_each_reported_moment(self) -> None:
        """Guarantees the measured row beside the reported one, and a dash of honesty where nothing was sampled."""
        first, second = minute_rows(run_of(), scenario())

        assert first.tod_s == 39_720.0
        assert first.reported_memory == "381 MiB – 477 MiB"
        assert first.measured_memory == "429 MiB"
        assert (first.reported_queue, first.measured_queue) == ("20", "12 waiting, 10 in flight")
        assert second.measured_memory == "429 MiB"

    def test_a_moment_without_a_gauge_near_it_is_not_measured(self) -> None:
        """Guarantees that a worker which tells nothing of itself leaves a gap, and not the nearest old number."""
        far = (WorkerGauge(29.7, 4, 1, 0, 0, 0), WorkerGauge(30.1, 5, 1, 0, 0, 0), WorkerGauge(30.4, 6, 1, 0, 0, 0))
        first, second = minute_rows(run_of(trial(BEFORE, gauges=far)), scenario())

        assert first.measured_queue == NOT_MEASURED
        assert second.measured_queue == "5 waiting, 1 in flight"

    def test_kills_are_counted_against_the_scenarios_limit_where_none_was_recorded(self) -> None:
        """Guarantees the cell of a trial whose start was never written."""
        assert measured(limit=None, incarnations=(killed(),))["spike"] == "peak 1000 MiB, 1 kills"
