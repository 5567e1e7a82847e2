"""The timeline: phases in order and in time, faults in force with an event, early ends, one workload for all."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from fake_mem0.modes.answering import Answer
from fake_mem0.rules_document import document as as_document
from fake_mem0.rules_document import parse
from harness.faults.context import FaultContext
from harness.narration import Silence
from harness.record import Scalar
from harness.scenario import DependencyRules, Scenario
from harness.timeline import phases
from harness.timeline.faults_in_force import FaultsInForce
from harness.timeline.phases import Timeline, planned_starts_s
from tests.scenario_documents import document, scenario_of

START_S = 1000.0


class FakeClock:
    """A clock that jumps to each deadline at once."""

    def __init__(self) -> None:
        self.now_s = START_S - 5.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now_s

    def pause_until(self, deadline_s: float) -> None:
        """Let the time pass."""
        self.now_s = max(self.now_s, deadline_s)


class FakeFolder:
    """Keeps events with the fake clock's time, in replay seconds."""

    def __init__(self, clock: FakeClock) -> None:
        self.start_mono_s = START_S
        self.clock = clock
        self.events: list[tuple[float, str, dict[str, Scalar]]] = []

    def event(self, kind: str, **data: Scalar) -> None:
        """Keep one event."""
        self.events.append((round(self.clock.now_s - START_S, 3), kind, data))

    def of(self, kind: str) -> list[tuple[float, dict[str, Scalar]]]:
        """Return the events of one kind with their times."""
        return [(at, data) for at, each, data in self.events if each == kind]


class FakeDependency:
    """A dependency that understands rules as fake_mem0 does, and may report others."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.call_costs_s = 0.0
        self.reports_instead: dict[str, Any] | None = None
        self.in_force: Any = None
        self.ended: list[str] = []

    def put_rules(self, rules: Iterable[Mapping[str, Any]], default: Mapping[str, Any]) -> None:
        """Take new rules."""
        self.clock.now_s += self.call_costs_s
        self.in_force = as_document(parse({"rules": list(rules), "default": default}, {"/": Answer()}))

    def rules(self) -> Any:
        """Report the rules in force."""
        return self.reports_instead or self.in_force

    def release(self, how: str) -> int:
        """End what hangs."""
        self.ended.append(how)
        return 7


class FakeSupervisor:
    """Counts restarts as the test wants."""

    restarts = 0


class Bench:
    """A timeline over fakes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        monkeypatch.setattr(phases, "time", self.clock)
        monkeypatch.setattr(phases, "pause_until", self.clock.pause_until)
        self.folder = FakeFolder(self.clock)
        self.dependency = FakeDependency(self.clock)
        self.supervisor = FakeSupervisor()
        self.drained_at_s = float("inf")
        self.said: list[str] = []

    def play(self, scenario: Scenario, **workload: float) -> Mapping[str, float]:
        """Play ``scenario``; ``workload`` gives the lengths of phases that an earlier trial ended."""
        bench = self

        class Narrator(Silence):
            def milestone(self, text: str) -> None:
                bench.said.append(text)

            def status(self, text: str) -> None:
                bench.said.append(text)

        timeline = Timeline(
            context=self.context(scenario.time_scale),
            folder=cast("Any", self.folder),
            narrator=Narrator(),
            status=lambda: "worker 0 at 100 MiB",
            drained=lambda: self.clock.now_s - START_S >= self.drained_at_s,
        )
        return timeline.play(scenario, workload)

    def context(self, time_scale: float) -> FaultContext:
        """Return the parts as a fault sees them."""
        return FaultContext(None, None, None, self.supervisor, self.dependency, time_scale=time_scale)

    def entered(self) -> list[tuple[float, Scalar]]:
        """Return when each phase was entered."""
        return [(at, data["phase"]) for at, data in self.folder.of("phase_entered")]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A timeline in no time."""
    return Bench(monkeypatch)


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """The drill: 10 s, 10 s, 20 s, and 8 s at most."""
    return scenario_of(tmp_path)


@pytest.fixture
def restarting(tmp_path: Path) -> Scenario:
    """The drill with a burst that two restarts end."""
    data = document()
    data["timeline"][2]["ends_when"] = {"restarts": 2}
    return scenario_of(tmp_path, **data)


PLANNED = [(0.0, "healthy"), (10.0, "hanging"), (20.0, "burst"), (40.0, "recovery")]


def test_phases_are_played_in_order_each_at_its_own_scale(bench: Bench, scenario: Scenario) -> None:
    """Guarantees the plan, where nothing ends early: begun at replay time zero, over when the last phase is."""
    bench.play(scenario)

    assert bench.entered() == PLANNED
    assert bench.clock.now_s == START_S + 48.0
    (_, first) = bench.folder.of("phase_entered")[0]
    assert first == {"phase": "healthy", "from_tod_s": 39_600.0, "to_tod_s": 39_700.0, "scale": 10.0}
    (_, burst) = bench.folder.of("phase_entered")[2]
    assert burst["scale"] == 1.0


def test_the_plan_is_known_beforehand(scenario: Scenario) -> None:
    """Guarantees the spans from which the arrivals are computed."""
    assert planned_starts_s(scenario) == {
        "healthy": (0.0, 10.0),
        "hanging": (10.0, 20.0),
        "burst": (20.0, 40.0),
        "recovery": (40.0, 48.0),
    }


def test_what_entering_a_phase_costs_does_not_add_up(bench: Bench, scenario: Scenario) -> None:
    """Guarantees that the phases stay beside the arrivals, which keep their planned times."""
    bench.dependency.call_costs_s = 0.7
    bench.play(scenario)

    assert bench.entered() == PLANNED


def test_a_late_start_is_made_up_for(bench: Bench, scenario: Scenario) -> None:
    """Guarantees the same where the worker needed longer than planned to be ready."""
    bench.clock.now_s = START_S + 3.0
    bench.play(scenario)

    assert bench.entered() == [(3.0, "healthy"), *PLANNED[1:]]


def test_a_phase_ends_early_when_everything_is_drained(bench: Bench, scenario: Scenario) -> None:
    """Guarantees that a recovery lasts as long as it must, and says that it ended early."""
    bench.drained_at_s = 42.0
    bench.play(scenario)

    assert 42.0 <= bench.clock.now_s - START_S <= 42.2
    ((at_s, data),) = bench.folder.of("phase_ended_early")
    assert (round(at_s), data) == (42, {"phase": "recovery"})


def test_a_drained_queue_ends_only_the_phase_that_waits_for_it(bench: Bench, scenario: Scenario) -> None:
    """Guarantees that a healthy phase is not cut short by an empty queue."""
    bench.drained_at_s = 0.0
    bench.play(scenario)

    assert bench.entered() == PLANNED
    assert bench.clock.now_s == START_S + 40.0


def test_restarts_end_a_phase_and_the_next_one_follows_at_once(bench: Bench, restarting: Scenario) -> None:
    """Guarantees that the workload of a worker that died twice goes on from there, and how long it lasted is told."""
    bench.supervisor.restarts = 2

    lengths_s = bench.play(restarting)

    assert bench.entered() == [*PLANNED[:3], (20.0, "recovery")]
    assert bench.clock.now_s == START_S + 28.0
    assert lengths_s == {"burst": 0.0}


def test_too_few_restarts_end_nothing(bench: Bench, restarting: Scenario) -> None:
    """Guarantees the planned length where the event never comes, and tells it."""
    bench.supervisor.restarts = 1

    assert bench.play(restarting) == {"burst": 20.0}
    assert bench.entered() == PLANNED
    assert bench.folder.of("phase_ended_early") == []


def test_another_arm_goes_through_the_same_workload(bench: Bench, restarting: Scenario) -> None:
    """Guarantees that a worker which never dies is hit as long as the one which did: no longer, no shorter."""
    assert bench.play(restarting, burst=12.5) == {"burst": 12.5}
    assert bench.entered() == [*PLANNED[:3], (32.5, "recovery")]


def test_a_given_length_outlasts_the_event(bench: Bench, restarting: Scenario) -> None:
    """Guarantees that the event does not end the phase again where its length is given."""
    bench.supervisor.restarts = 2
    bench.play(restarting, burst=12.5)

    assert bench.entered()[3] == (32.5, "recovery")


def test_every_fault_leaves_a_fault_event_when_it_is_in_force(bench: Bench, scenario: Scenario) -> None:
    """Guarantees what the checkers rely on: asked for, then in force, at the phases that say so."""
    bench.play(scenario)

    rules_of = {"hanging.dependency": (10.0, "else hang_then_500"), "recovery.dependency": (40.0, "else answer")}
    assert {data["key"]: (at, data["settings"]) for at, data in bench.folder.of("fault_requested")} == rules_of
    assert [(at, data["seen"]) for at, data in bench.folder.of("fault_in_force")] == [
        (at, f"the dependency reports {rules}") for at, rules in rules_of.values()
    ]
    assert [(at, data["key"]) for at, data in bench.folder.of("fault_healed")] == [
        (40.0, "hanging.dependency"),
        (48.0, "recovery.dependency"),
    ]


def test_times_on_the_wire_are_real_by_the_scenarios_scale_not_the_phases(bench: Bench, tmp_path: Path) -> None:
    """Guarantees that the dependency hangs a minute by the worker's own timers, also where the clock runs otherwise."""
    data = document()
    data["timeline"][2]["dependency"] = {"default": {"mode": "hang_then_500", "seconds": "60s"}}
    arms = {"incident": {"role": "before", "worker": {"preset": "incident"}}}
    bench.play(scenario_of(tmp_path, timeline=data["timeline"][:3], arms=arms, reported={}))

    assert bench.dependency.in_force["default"]["seconds"] == 6.0


def rules(**given: Any) -> DependencyRules:
    """Return validated rules."""
    return DependencyRules.model_validate(given)


HANG = {"mode": "hang_then_500", "seconds": "60s"}
IN_FORCE = {"mode": "hang_then_500", "seconds": 6.0}


@pytest.mark.parametrize(
    "reported",
    [
        {"rules": [], "default": {"mode": "answer"}},
        {"rules": [], "default": IN_FORCE},
        {"rules": [{**IN_FORCE, "rate": 0.2}], "default": {"mode": "answer"}},
        {"rules": [{**IN_FORCE, "seconds": 60.0, "rate": 0.3}], "default": {"mode": "answer"}},
        {"rules": [{**IN_FORCE, "rate": 0.3}] * 2, "default": {"mode": "answer"}},
    ],
    ids=["no rule", "another place", "another share", "another time", "one rule more"],
)
def test_rules_that_are_not_reported_as_asked_are_not_enforceable(bench: Bench, reported: dict[str, Any]) -> None:
    """Guarantees a failed fault, which makes the verdict unknown, where the dependency does something else."""
    bench.dependency.reports_instead = reported
    wanted = rules(rules=[{**HANG, "rate": "30%"}], default={"mode": "answer"})

    with FaultsInForce(bench.context(10.0), cast("Any", bench.folder)) as faults:
        faults.follow("hanging.dependency", wanted)

    ((_, failure),) = bench.folder.of("fault_failed")
    assert "the dependency was to follow" in str(failure["why"])
    assert bench.folder.of("fault_in_force") == bench.folder.of("fault_healed") == []


def test_rules_that_are_reported_with_their_defaults_are_in_force(bench: Bench) -> None:
    """Guarantees that what the dependency adds of its own is no difference."""
    wanted = rules(rules=[{**HANG, "rate": "30%"}, {"mode": "status", "rate": "1%"}], default={"mode": "answer"})
    with FaultsInForce(bench.context(10.0), cast("Any", bench.folder)) as faults:
        faults.follow("hanging.dependency", wanted)

    ((_, fault_event),) = bench.folder.of("fault_in_force")
    assert fault_event["seen"] == "the dependency reports hang_then_500 30%; status 1%; else answer"


@pytest.mark.parametrize(
    ("open_calls", "ended"), [(None, []), ("stay", []), ("reset", ["reset"]), ("answer", ["answer"])]
)
def test_calls_that_hang_when_the_rules_end_do_as_the_scenario_says(
    bench: Bench, open_calls: str | None, ended: list[str]
) -> None:
    """Guarantees that they stay where nothing is said, and that it is the word of the rules which end that counts."""
    trouble = rules(default={"mode": "hang_forever"}, **({"open_calls": open_calls} if open_calls else {}))
    with FaultsInForce(bench.context(10.0), cast("Any", bench.folder)) as faults:
        faults.follow("gone.dependency", trouble)
        assert bench.dependency.ended == []
        faults.follow("back.dependency", rules(open_calls="answer"))
        assert bench.dependency.ended == ended
    assert bench.dependency.ended == ended, "the end of the timeline ends no call"


def test_people_are_told_the_incident_time_of_every_phase_and_how_things_stand(
    bench: Bench, scenario: Scenario
) -> None:
    """Guarantees a milestone for each phase, and a status in between that runs with the phase's clock."""
    bench.play(scenario)

    assert [text for text in bench.said if "worker" not in text] == [
        "11:00:00 healthy",
        "11:01:40 hanging",
        "11:03:20 burst",
        "11:03:40 recovery",
    ]
    assert any(text.startswith("11:00:2") and text.endswith("healthy: worker 0 at 100 MiB") for text in bench.said)
    assert 18 <= sum("worker" in text for text in bench.said) <= 24, "one status in two seconds, for 48 seconds"
