"""The checker of the faults' fault events: each one missing turns the verdict of the run unknown, and is named."""

from typing import Any

import pytest

from harness.checkers.preconditions import faults
from harness.judging import judge
from harness.judging.judge import case_of
from harness.record import Event, RunRecord, Verdict
from harness.scenario import Scenario
from harness.store.events_file import fault_spans
from tests.drill_records import AFTER, BEFORE, run_of, scenario, trial

FAULTS = [
    {"fault": "link_stalled", "after": "20s", "for": "10s"},
    {"fault": "worker_killed", "after": "50s"},
]


def fault_event(t_s: float, kind: str, key: str, **data: str) -> Event:
    """Return one fault event."""
    return Event(t_s, f"fault_{kind}", {"fault": "link_stalled", "key": key, **data})


FIRST = [fault_event(12, "requested", "hanging.0.0"), fault_event(12.1, "in_force", "hanging.0.0")]
FIRST_HEALED = fault_event(13, "healed", "hanging.0.0")
SECOND = [fault_event(15 + n / 10, kind, "hanging.1.0") for n, kind in enumerate(("requested", "in_force", "healed"))]


def with_faults() -> Scenario:
    """Return the drill with two faults in its second phase."""
    timeline = scenario().model_dump(mode="json", by_alias=True)["timeline"]
    timeline[1]["faults"] = FAULTS
    return scenario(timeline=timeline)


def run_with(*events: Event) -> RunRecord:
    """Return a run in which everything else is as it should be."""
    return run_of(with_events(BEFORE, *FIRST, FIRST_HEALED, *SECOND), with_events(AFTER, *events))


def with_events(arm: str, *events: Event) -> Any:
    """Return the record of an arm with these events beside those of its phases' rules, as the reader reads them."""
    return trial(arm, faults=(*trial(arm).faults, *fault_spans(events)))


def test_three_fault_events_for_each_fault_pass() -> None:
    """Guarantees the good case, for the run as for the check."""
    run = run_with(*FIRST, FIRST_HEALED, *SECOND)
    result = faults.check(case_of(AFTER, run.trials[1], run, with_faults()))

    assert result.verdict is Verdict.PASS
    assert result.measured == "4 faults acted"
    assert judge(run, with_faults()).verdict is Verdict.PASS


LACKING: dict[str, tuple[list[Event], str]] = {
    "never requested": (
        [*FIRST, FIRST_HEALED],
        "worker_killed (hanging.1.0) was never requested: its phase ended before",
    ),
    "requested without effect": (
        [FIRST[0], FIRST_HEALED, *SECOND],
        "link_stalled (hanging.0.0) was requested and never seen in force",
    ),
    "in force before it was requested": (
        [FIRST[0], fault_event(11.9, "in_force", "hanging.0.0"), FIRST_HEALED, *SECOND],
        "link_stalled (hanging.0.0) was requested and never seen in force",
    ),
    "never healed": ([*FIRST, *SECOND], "link_stalled (hanging.0.0) was in force and never seen healed"),
    "a failure": (
        [FIRST[0], fault_event(12.1, "failed", "hanging.0.0", what="never took effect", why="not here"), *SECOND],
        "link_stalled (hanging.0.0) never took effect: not here",
    ),
    "a fault event of another fault": (
        [*FIRST, fault_event(13, "healed", "hanging.7.0"), *SECOND],
        "link_stalled (hanging.0.0) was in force and never seen healed",
    ),
}


@pytest.mark.parametrize("name", LACKING)
def test_a_fault_event_that_is_missing_makes_the_run_unknown(name: str) -> None:
    """Guarantees that a workload which did not come, or did not end, is never called weathered."""
    events, said = LACKING[name]
    run = run_with(*events)
    result = faults.check(case_of(AFTER, run.trials[1], run, with_faults()))

    assert result.verdict is Verdict.UNKNOWN
    assert result.measured == f"3 faults acted; {said}"
    assert judge(run, with_faults()).verdict is Verdict.UNKNOWN
