"""Timers that were not scaled: a verdict that rests on one is unknown, and the check says on which."""

from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.preconditions import timers
from harness.judging.judge import case_of
from harness.record import ConnectionSeen, FaultSpan, Verdict
from tests.drill_records import AFTER, run_of, scenario, trial

# The drill's second phase runs at ten incident seconds a real one, from 10 to 20 s.
STALLED = {"fault": "link_stalled", "for": "80s"}
SPAN = FaultSpan("hanging.0.0", "link_stalled", "", 11.0, 11.0, 19.0)


def judged(fault: dict[str, Any], span: FaultSpan, *heartbeats_s: float) -> Any:
    """Return what the check says of a trial with one fault and connections of those heartbeats."""
    timeline = scenario().model_dump(mode="json", by_alias=True)["timeline"]
    timeline[1]["faults"] = [fault]
    seen = tuple(ConnectionSeen(1.0, 0, f"c{number}", each) for number, each in enumerate(heartbeats_s))
    record = replace(trial(AFTER), faults=(span,), connections=seen)
    run = run_of(record)
    return timers.check(case_of(AFTER, record, run, scenario(timeline=timeline)))


def test_a_silence_that_outlasts_the_heartbeat_in_production_alone_makes_it_unknown() -> None:
    """Guarantees that 80 s of incident time, 8 s here, are no test of a heartbeat of 60 s, and that it is named."""
    result = judged(STALLED, SPAN, 60.0)
    assert result.verdict is Verdict.UNKNOWN
    assert result.measured == "heartbeat 60 s of real time, not scaled"
    assert "link_stalled (hanging.0.0) silenced the connection for 80 s of incident time" in result.detail
    assert "Name the heartbeat in timers" in result.detail


@pytest.mark.parametrize(
    ("heartbeat_s", "why"),
    [(6.0, "it was scaled: the replay's silence outlasts it too"), (90.0, "nobody notices"), (0.0, "there is none")],
)
def test_a_heartbeat_that_acts_alike_in_both_is_no_matter(heartbeat_s: float, why: str) -> None:
    """Guarantees the innocent: scaled, longer than the silence anyway, or switched off."""
    assert judged(STALLED, SPAN, heartbeat_s).verdict is Verdict.PASS, why


def test_a_fault_that_silences_nothing_rests_on_no_heartbeat() -> None:
    """Guarantees that a cut link, which both sides see, is judged as ever."""
    cut = FaultSpan("hanging.0.0", "link_cut", "", 11.0, 11.0, 19.0)
    assert judged({"fault": "link_cut", "for": "80s"}, cut, 60.0).verdict is Verdict.PASS


def test_a_heartbeat_that_nobody_saw_is_not_taken_for_scaled() -> None:
    """Guarantees unknown where a silence was planned and the broker never asked for the connections."""
    assert judged(STALLED, SPAN).verdict is Verdict.UNKNOWN
