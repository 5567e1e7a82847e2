"""The checker of the retry jobs' calls: how many were open at once while they ran."""

from dataclasses import replace
from typing import Any

import pytest

from harness.checkers.case import Case
from harness.checkers.messages import retries
from harness.checkers.messages.retries import RetriesOpenAtMost, most_open
from harness.judging import judge
from harness.record import CallOutcome, DependencyCall, Event, Verdict
from tests.drill_records import AFTER, BEFORE, case, run_of, scenario, trial

JOBS_S = 50.0
EVENTS = (Event(JOBS_S, "retry_job_began"), Event(60.0, "retry_job_ended", {"exit_status": 0}))
TWO = RetriesOpenAtMost(calls=2, events_at_least=3)


def call(name: str, at_s: float, lasts_s: float | None = 1.0) -> DependencyCall:
    """Return a call for one event, answered."""
    return DependencyCall("/extract_facts", name, 2, "answer", 200, at_s, lasts_s, CallOutcome.ANSWERED, good=True)


# Two jobs side by side: each begins a call as its last one ends.
IN_TURN = tuple(call(f"c-{n}", JOBS_S + 1 + n // 2 + n % 2 / 2) for n in range(4))
WORKLOAD = tuple(call(f"s-{n}", 30.0) for n in range(10))  # ten threads, in the workload: not the jobs' affair


def herd(calls: tuple[DependencyCall, ...] = (*WORKLOAD, *IN_TURN), events: tuple[Event, ...] = EVENTS) -> Case:
    """Return the case of a fixed arm whose retry jobs made these calls."""
    return case(AFTER, calls=calls, events=events)


def test_jobs_that_take_turns_pass_with_their_pace() -> None:
    """Guarantees the good case: a call of each job, and the workload before is not counted."""
    result = retries.check(herd(), TWO)

    assert result.verdict is Verdict.PASS
    assert result.measured == "at most 2 calls open at once, for 4 events, 3 calls a second"


def test_one_call_more_at_once_fails() -> None:
    """Guarantees that a single moment with a third call open is seen, and fails an arm that has to hold."""
    result = retries.check(herd((*IN_TURN, call("c-9", JOBS_S + 1.6, 0.1))), TWO)

    assert result.verdict is Verdict.FAIL
    assert result.measured.startswith("at most 3 calls open at once")


@pytest.mark.parametrize(
    "record",
    [
        {"events": ()},
        {"events": EVENTS[:1]},
        {"calls": WORKLOAD},
        {"calls": tuple(replace(each, path="/openai/v1/chat/completions", primary=False) for each in IN_TURN)},
        {"calls": tuple(replace(each, message_id="c-1") for each in IN_TURN)},
    ],
    ids=["no job", "a job without an end", "nothing retried", "no call for facts", "one event again and again"],
)
def test_jobs_that_met_no_herd_say_nothing(record: dict[str, Any]) -> None:
    """Guarantees that little work, or none, is not taken for gentleness."""
    assert retries.check(herd(**record), TWO).verdict is Verdict.UNKNOWN


def test_a_call_that_ends_as_the_next_begins_makes_room_for_it() -> None:
    """Guarantees the edge: one after the other is one at a time; and that a call without an end stays open."""
    assert most_open([call("a", 1.0), call("b", 2.0)]) == 1
    assert most_open([call("a", 1.0, 1.01), call("b", 2.0)]) == 2
    assert most_open([call("a", 1.0, None), call("b", 9.0)]) == 2
    assert most_open([]) == 0


def test_the_judge_asks_it_where_it_is_expected() -> None:
    """Guarantees that a herd turns the run."""
    arms: Any = scenario().model_dump(mode="json", by_alias=True)["arms"]
    arms[AFTER]["expect"] = {"retries_open_at_most": {"calls": 1}}
    record = replace(trial(AFTER), calls=IN_TURN, events=EVENTS)

    judgement = judge(run_of(trial(BEFORE), record), scenario(arms=arms))

    found = [result for result in judgement.checks if result.check == retries.CHECK.name]
    assert [(result.arm, result.verdict) for result in found] == [(AFTER, Verdict.FAIL)]
