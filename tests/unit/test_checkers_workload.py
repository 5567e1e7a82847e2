"""The checkers of the workload and of the record: a verdict is worth nothing where either did not happen as it says."""

from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.case import Case
from harness.checkers.preconditions import faults, record, workload
from harness.judging.judge import case_of
from harness.record import CallOutcome, DependencyCall, Drain, Event, Verdict
from tests.drill_records import AFTER, PHASES, calls, case, fault, publishes, run_of, scenario, trial


def with_mem0_in_the_healthy_phase(default: dict[str, Any], **changes: Any) -> Case:
    """Return a case in which pika-mem0 misbehaves from the start, and only then."""
    timeline = scenario().model_dump(mode="json", by_alias=True)["timeline"]
    timeline[0]["dependency"] = {"default": default}
    timeline[1]["dependency"] = {"default": {"mode": "answer"}}
    record = trial(AFTER, **changes)
    return case_of(AFTER, record, run_of(record), scenario(timeline=timeline))


class TestStormPublished:
    """Nearly all planned messages were confirmed."""

    def test_a_whole_workload_passes(self) -> None:
        """Guarantees the good case."""
        result = workload.check_published(case(AFTER))

        assert result.verdict is Verdict.PASS
        assert result.measured == "50 of 50 confirmed"

    @pytest.mark.parametrize(("confirmed", "verdict"), [(99, Verdict.PASS), (98, Verdict.UNKNOWN)])
    def test_one_message_in_a_hundred_may_be_missing(self, confirmed: int, verdict: Verdict) -> None:
        """Guarantees the edge of 99 %: a reconnect may cost one message, no more."""
        changes = {"planned_messages": 100, "publishes": publishes(confirmed)}
        assert workload.check_published(case(AFTER, **changes)).verdict is verdict

    def test_a_workload_half_published_is_unknown(self) -> None:
        """Guarantees that a worker which saw half a workload has not passed through it."""
        result = workload.check_published(case(AFTER, publishes=publishes(25)))

        assert result.verdict is Verdict.UNKNOWN
        assert "log of locust" in result.detail

    def test_an_attempt_is_not_a_confirmed_message(self) -> None:
        """Guarantees that what the broker never took does not count."""
        unconfirmed = tuple(replace(publish, confirmed_s=None) for publish in publishes())
        assert workload.check_published(case(AFTER, publishes=unconfirmed)).verdict is Verdict.UNKNOWN

    def test_a_workload_that_was_never_planned_is_unknown(self) -> None:
        """Guarantees that nothing of nothing is not all of it."""
        nothing = workload.check_published(case(AFTER, publishes=(), planned_messages=0))
        assert nothing.verdict is Verdict.UNKNOWN


class TestStormInTime:
    """The generator kept up with its schedule."""

    def test_a_punctual_workload_passes(self) -> None:
        """Guarantees the good case."""
        assert workload.check_in_time(case(AFTER)).verdict is Verdict.PASS

    @pytest.mark.parametrize(("late_s", "verdict"), [(14.8, Verdict.PASS), (14.9, Verdict.UNKNOWN)])
    def test_a_message_late_by_more_than_half_the_workload_is_unknown(self, late_s: float, verdict: Verdict) -> None:
        """Guarantees that a generator which was too slow is blamed, and not the worker: the workload lasts 29.75 s."""
        *punctual, last = publishes()
        late = replace(last, sent_s=last.intended_s + late_s)
        result = workload.check_in_time(case(AFTER, publishes=(*punctual, late)))

        assert result.verdict is verdict
        assert result.threshold == "at most 14.9 s late"

    def test_a_single_message_may_be_late_by_a_second(self) -> None:
        """Guarantees that a workload of one moment is not judged against no time at all."""
        (publish,) = publishes(1)
        punctual, late = replace(publish, sent_s=0.9), replace(publish, sent_s=1.1)
        assert workload.check_in_time(case(AFTER, publishes=(punctual,))).verdict is Verdict.PASS
        assert workload.check_in_time(case(AFTER, publishes=(late,))).verdict is Verdict.UNKNOWN

    def test_a_workload_that_begins_late_in_the_timeline_is_no_longer_for_it(self) -> None:
        """Guarantees that lateness is measured against the workload, not against the time before it."""
        last = publishes()[-1]
        shifted = tuple(
            replace(each, intended_s=each.intended_s + 500, sent_s=each.sent_s + 500) for each in publishes()
        )
        late = replace(last, intended_s=last.intended_s + 500, sent_s=last.sent_s + 514.9)
        assert workload.check_in_time(case(AFTER, publishes=shifted)).verdict is Verdict.PASS
        assert workload.check_in_time(case(AFTER, publishes=(*shifted[:-1], late))).verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize(("began_s", "verdict"), [(1.0, Verdict.PASS), (1.5, Verdict.UNKNOWN)])
    def test_a_timeline_that_began_late_is_unknown(self, began_s: float, verdict: Verdict) -> None:
        """Guarantees that a worker which slept through the first phase is not said to have weathered it."""
        late = (replace(PHASES[0], start_s=began_s), *PHASES[1:])
        assert workload.check_in_time(case(AFTER, phases=late)).verdict is verdict

    def test_no_workload_is_not_in_time(self) -> None:
        """Guarantees unknown where nothing was sent."""
        assert workload.check_in_time(case(AFTER, publishes=())).verdict is Verdict.UNKNOWN


class TestFaultsTookEffect:
    """Every fault of every phase met a call while it was in force."""

    def test_faults_that_met_calls_in_every_phase_pass(self) -> None:
        """Guarantees the good case: hanging in its own phase and in the burst, which inherits it."""
        result = faults.check(case(AFTER))

        assert result.verdict is Verdict.PASS
        assert result.measured == "2 faults acted"

    def test_a_fault_that_never_met_a_call_is_unknown(self) -> None:
        """Guarantees that a fault which was only asked for proves nothing."""
        answered = tuple(call for call in calls() if call.mode == "answer")
        result = faults.check(case(AFTER, calls=answered))

        assert result.verdict is Verdict.UNKNOWN
        assert "hang_then_500 met no call during hanging" in result.measured
        assert "hang_then_500 met no call during burst" in result.detail

    @pytest.mark.parametrize(
        ("arrived_s", "duration_s", "verdict"),
        [
            (19.9, 0.2, Verdict.PASS),
            (39.9, 5.0, Verdict.PASS),
            (19.9, None, Verdict.PASS),
            (15.0, 5.0, Verdict.UNKNOWN),
            (40.0, 5.0, Verdict.UNKNOWN),
        ],
        ids=["into it", "out of it", "open for ever", "over before it", "after it"],
    )
    def test_a_call_counts_where_it_was_open_in_the_phase(
        self, arrived_s: float, duration_s: float | None, verdict: Verdict
    ) -> None:
        """Guarantees that ten threads blocked since the phase before count, and calls outside it do not."""
        hanging = calls()[-3]
        (burst_call,) = (replace(hanging, arrived_s=arrived_s, duration_s=duration_s),)
        others = tuple(call for call in calls() if call.arrived_s < 12)
        assert faults.check(case(AFTER, calls=(*others, burst_call))).verdict is verdict

    @pytest.mark.parametrize(("rate", "verdict"), [("0.1%", Verdict.PASS), ("90%", Verdict.UNKNOWN)])
    def test_no_verdict_rests_on_a_rule_that_is_too_rare(self, rate: str, verdict: Verdict) -> None:
        """Guarantees that a mode is demanded where the calls of the phase make it likely, and not where they don't."""
        rules = {"mode": "status", "status": 503, "rate": rate}
        timeline = scenario().model_dump(mode="json", by_alias=True)["timeline"]
        timeline[0]["dependency"] = {"rules": [rules]}
        rules_met = (fault("healthy.dependency", 0.0), fault("hanging.dependency", 10.0))
        record = trial(AFTER, faults=rules_met)
        judged = case_of(AFTER, record, run_of(record), scenario(timeline=timeline))
        assert faults.check(judged).verdict is verdict

    def test_a_phase_that_was_never_played_is_unknown(self) -> None:
        """Guarantees that a trial which was cut off has not weathered the rest of its workload."""
        result = faults.check(case(AFTER, phases=PHASES[:2]))

        assert result.verdict is Verdict.UNKNOWN
        assert "the phase burst was never played" in result.measured

    def test_a_shut_port_is_proven_by_its_fault_event(self) -> None:
        """Guarantees that refuse, which no call gets past to be journalled, counts where fake_mem0 confirmed it."""
        shut_span = fault("healthy.dependency", 0.0)
        lifted = fault("hanging.dependency", 10.0)
        answered = tuple(call for call in calls() if call.mode == "answer")
        shut = {"mode": "refuse"}

        proven = with_mem0_in_the_healthy_phase(shut, calls=answered, faults=(shut_span, lifted))
        assert faults.check(proven).verdict is Verdict.PASS
        unproven = with_mem0_in_the_healthy_phase(shut, calls=answered, faults=(lifted,))
        assert faults.check(unproven).verdict is Verdict.UNKNOWN

    def test_a_scenario_without_faults_needs_none(self) -> None:
        """Guarantees that a healthy run can pass."""
        answered = tuple(call for call in calls() if call.mode == "answer")
        healthy = with_mem0_in_the_healthy_phase({"mode": "answer"}, calls=answered)
        assert faults.check(healthy).verdict is Verdict.PASS


class TestRecordWhole:
    """The record of every arm, and the queues of an after arm."""

    def test_a_whole_record_passes(self) -> None:
        """Guarantees the good case."""
        assert record.check_record(case(AFTER)).verdict is Verdict.PASS

    def test_a_damaged_file_is_unknown_and_named(self) -> None:
        """Guarantees that what a tear may hide is never called passed."""
        damaged = ("outcomes.json was never written", "events.jsonl: its last line is torn and was left out")
        result = record.check_record(case(AFTER, damaged=damaged))

        assert result.verdict is Verdict.UNKNOWN
        assert result.measured == damaged[0]
        assert result.detail == damaged[1]

    def test_the_workers_own_file_may_be_torn_by_the_kill_it_died_of(self) -> None:
        """Guarantees that an OOM kill in the middle of a line does not spoil the proof of itself."""
        torn = ("worker_stats.jsonl: 1 unreadable line(s) left out",)
        assert record.check_record(case(AFTER, damaged=torn)).verdict is Verdict.PASS

    def test_a_trial_that_was_cut_off_is_unknown(self) -> None:
        """Guarantees that a killed harness leaves no passed arm."""
        began = Event(0.0, "phase_entered", {"phase": "healthy"})
        result = record.check_record(case(AFTER, events=(began,)))

        assert result.verdict is Verdict.UNKNOWN
        assert result.measured == "the trial was cut off before its end"

    def test_drained_queues_pass(self) -> None:
        """Guarantees the good case, with what was seen last."""
        result = record.check_drained(case(AFTER))

        assert result.verdict is Verdict.PASS
        assert result.measured == "0 ready, 0 unacknowledged, 0 calls open, after 2 s"

    @pytest.mark.parametrize("drain", [None, Drain(complete=False, waited_s=120.0, last_seen="7 ready")])
    def test_queues_that_were_not_drained_are_unknown(self, drain: Drain | None) -> None:
        """Guarantees that a worker with work left has not held."""
        assert record.check_drained(case(AFTER, drain=drain)).verdict is Verdict.UNKNOWN


def test_a_call_of_another_mode_is_no_witness() -> None:
    """Guarantees that each mode needs a call of its own."""
    reset = DependencyCall("/extract_facts", None, 1, "reset_before", None, 15.0, 20.0, CallOutcome.RESET)
    answered = tuple(call for call in calls() if call.mode == "answer")
    assert faults.check(case(AFTER, calls=(*answered, reset))).verdict is Verdict.UNKNOWN
