"""The rules between the parts of a scenario: each contradiction is refused with what contradicts what."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ScenarioError
from tests.scenario_documents import document, scenario_of

Change = Callable[[dict[str, Any]], object]


def phase(data: dict[str, Any], index: int, **changes: object) -> None:
    """Change one phase."""
    data["timeline"][index].update(changes)


def expects(data: dict[str, Any], arm: str, **changes: object) -> None:
    """Change what one arm expects."""
    data["arms"][arm]["expect"].update(changes)


# What is changed in the valid document, and what is said of it.
CONTRADICTIONS: dict[str, tuple[Change, str]] = {
    "a phase that ends before it begins": (
        lambda data: phase(data, 0, to="10:00:00"),
        "timeline.0: a phase ends after it begins",
    ),
    "phases that overlap": (
        lambda data: phase(data, 1, **{"from": "11:01:00"}),
        "phase 'hanging' begins before 'healthy' ends",
    ),
    "a phase named twice": (lambda data: phase(data, 1, phase="healthy"), "the phase name 'healthy' stands twice"),
    "a burst longer than its phase": (
        lambda data: phase(data, 2, arrivals={"burst": 1, "over": "21s"}),
        "the burst is longer than its phase",
    ),
    "more messages than any disk holds": (
        lambda data: phase(data, 0, arrivals="2000/s"),
        "200040 messages planned; at most 100000",
    ),
    "an end for two reasons": (
        lambda data: phase(data, 3, ends_when={"drained": True, "restarts": 1}),
        "name exactly one of restarts, drained",
    ),
    "an end for no reason": (lambda data: phase(data, 3, ends_when={}), "name exactly one of restarts, drained"),
    "sizes out of order": (
        lambda data: data["messages"].update(size_min="3 MB"),
        "messages: sizes need 1 KiB <= size_min <= size_max <= 128 MiB",
    ),
    "bodies without a conversation": (lambda data: data["messages"].update(size_min="1 B"), "sizes need 1 KiB"),
    "bodies that no broker takes": (lambda data: data["messages"].update(size_max="1 GB"), "sizes need 1 KiB"),
    "a limit that kills an idle interpreter": (
        lambda data: data.update(memory_limit="90 MiB"),
        "memory_limit: a worker takes 90 MiB",
    ),
    "a drain in no time": (lambda data: data.update(drain_at_most="0s"), "drain_at_most: draining takes time"),
    "retry jobs of a drain that runs none": (
        lambda data: data.update(drain={"jobs": 2}),
        "drain: jobs and dependency are the retry job's: add retry_job: true",
    ),
    "more retry jobs than there is work for": (
        lambda data: data.update(drain={"retry_job": True, "jobs": 9}),
        "drain.jobs: must be less than or equal to 8",
    ),
    "a standstill that is expected of a worker that has to hold": (
        lambda data: expects(data, "fixed", stands_still={"during": ["burst"]}),
        "expect.stands_still: an arm of role 'after' has to hold",
    ),
    "a loop in phases that do not follow one another": (
        lambda data: expects(
            data, "incident", loops={"redeliveries_per_message_at_least": 3, "during": ["hanging", "recovery"]}
        ),
        "loops.during: name phases that follow one another",
    ),
    "a finding that no worker could live to show": (
        lambda data: expects(data, "incident", over_budget={"peak_at_least": "1001 MiB"}),
        "arms.incident.expect.over_budget: above memory_limit it says nothing",
    ),
    "a worker that is two programs": (
        lambda data: data["arms"]["fixed"]["worker"].update(command=["true"]),
        "name exactly one of preset, command",
    ),
    "a worker that is no program": (lambda data: data["arms"]["fixed"].update(worker={}), "name exactly one of"),
    "a mechanism of a fixed worker": (
        lambda data: data["arms"]["fixed"]["worker"].update(mechanism="M1"),
        "mechanism belongs to the preset 'incident'",
    ),
    "remedies of a command": (
        lambda data: data["arms"]["fixed"].update(worker={"command": ["true"], "with": ["clean_up"]}),
        "a command has none",
    ),
    "a remedy with and without": (
        lambda data: data["arms"]["fixed"]["worker"].update({"with": ["clean_up"]}),
        "the remedy 'clean_up' stands in both with and without",
    ),
    "a variable that is the harness's": (
        lambda data: data["arms"]["incident"]["env"].update(RABBITMQ_URL="amqp://elsewhere"),
        "RABBITMQ_URL is set by the harness itself",
    ),
    "a run id of one's own": (
        lambda data: data["arms"]["incident"]["env"].update(HARNESS_RUN_ID="another"),
        "HARNESS_RUN_ID is set by the harness itself",
    ),
    "a variable given twice": (
        lambda data: data["arms"]["incident"]["env"].update(MEMORY_API_TIMEOUT_SECONDS="240"),
        "MEMORY_API_TIMEOUT_SECONDS stands in both timers and env",
    ),
    "a variable with no possible name": (
        lambda data: data["arms"]["incident"]["env"].update({"A=B": "c"}),
        "arms.incident.env.A=B: String should match pattern",
    ),
    "a value that no process can be given": (
        lambda data: data["arms"]["incident"]["env"].update(A="b\0c"),
        "arms.incident.env.A: String should match pattern",
    ),
    "killed and never killed": (
        lambda data: expects(data, "incident", never_killed={}),
        "oom_killed and never_killed can't both come true",
    ),
    "one incarnation and a restart": (
        lambda data: expects(data, "fixed", one_incarnation={}, restarts_at_most={"count": 2}),
        "one_incarnation and restarts_at_most can't both come true",
    ),
    "a field by the name it had before": (
        lambda data: expects(data, "fixed", put_off={"error_code": "QUEUE_FULL", "messages_at_least": 1}),
        "put_off is now called deferred",
    ),
    "more restarts than are allowed": (
        lambda data: expects(data, "incident", oom_killed={"kills": 1, "restarts": 4}),
        "4 restarts, but restarts.limit allows 3",
    ),
    "a budget above the limit": (
        lambda data: expects(data, "fixed", memory_budget={"peak_at_most": "1001 MiB"}),
        "above memory_limit it says nothing",
    ),
    "a comparison with nobody": (
        lambda data: data["arms"]["fixed"]["expect"]["throughput"].update(against="broken"),
        "no other arm is named 'broken'",
    ),
    "a comparison with itself": (
        lambda data: data["arms"]["fixed"]["expect"]["throughput"].update(against="fixed"),
        "no other arm is named 'fixed'",
    ),
    "a comparison in no phase": (
        lambda data: data["arms"]["fixed"]["expect"]["throughput"].update(during=["night"]),
        "no phase is named 'night'; there are healthy, hanging, burst, recovery",
    ),
    "a baseline in no phase": (
        lambda data: data["arms"]["fixed"]["expect"]["returns_to_baseline"].update(baseline="night"),
        "no phase is named 'night'; there are healthy, hanging, burst, recovery",
    ),
    "a comparison with a hole in it": (
        lambda data: data["arms"]["fixed"]["expect"]["throughput"].update(during=["healthy", "burst"]),
        "name phases that follow one another, in order",
    ),
    "a healthy level above the limit": (
        lambda data: expects(data, "incident", returns_to_healthy={"at_most": "1 GiB"}),
        "expect.returns_to_healthy: above memory_limit it says nothing",
    ),
    "fidelity to nothing": (lambda data: data["reported"].update(points=[]), "there are no reported.points"),
    "a reported moment outside the timeline": (
        lambda data: data["reported"]["points"][1].update(at="11:05:00"),
        "every point must lie in a phase of the timeline",
    ),
    "reported moments out of order": (
        lambda data: data["reported"]["points"].reverse(),
        "must be in the order of their times",
    ),
    "a reported range upside down": (
        lambda data: data["reported"]["points"][0].update(memory_max="1 MB"),
        "memory needs 0 < memory_min <= memory_max",
    ),
    "a reported nothing": (
        lambda data: data["reported"]["points"][0].update(memory_min="0 B"),
        "memory needs 0 < memory_min",
    ),
    "an arm named like a profiled twin": (
        lambda data: data["arms"].update({"fixed-profiled": document()["arms"]["fixed"]}),
        "'-profiled' is the harness's own ending",
    ),
}


def test_the_document_they_all_start_from_is_valid(tmp_path: Path) -> None:
    """Guarantees that each contradiction below is the only one in its file."""
    assert scenario_of(tmp_path).name == "drill"


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_refused_with_what_contradicts_what(name: str, tmp_path: Path) -> None:
    """Guarantees that a scenario which can't be played or judged as it says is refused before anything is started."""
    change, said = CONTRADICTIONS[name]
    data = document()
    change(data)

    with pytest.raises(ScenarioError) as error:
        scenario_of(tmp_path, **data)

    assert said in str(error.value)


def test_a_phase_may_begin_at_the_very_moment_the_other_ends_or_later(tmp_path: Path) -> None:
    """Guarantees that a clock may jump forward between two phases."""
    data = document()
    phase(data, 3, **{"from": "11:04:00"})

    assert scenario_of(tmp_path, **data).timeline[3].from_ == 39_840.0
