"""Faults as they come and go.

Fault events in order, healed whatever happens, a failure that is said and ends nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from harness.environment.broker.broker import Broker, OwnBroker
from harness.errors import NotEnforceableError, RunDirectoryError, ScenarioError
from harness.faults.context import FaultContext
from harness.record import Scalar
from harness.scenario import schedule_of
from harness.timeline import faults_in_force as faults_in_force_module
from harness.timeline.faults_in_force import FaultsInForce, check_abilities
from tests.unit.test_scenario_faults import with_faults

SCALE = 10.0


class Folder:
    """Keeps the fault events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Scalar]]] = []

    def event(self, kind: str, **data: Scalar) -> None:
        """Keep one."""
        self.events.append((kind, data))

    def said(self) -> list[str]:
        """Return the kinds with their faults."""
        return [f"{kind.removeprefix('fault_')} {data['fault']}" for kind, data in self.events]


class World:
    """A world in which the faults of a scenario do nothing but say that they did it, unless told to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now: list[str] = []
        self.breaks: dict[str, Exception] = {}
        self.folder = Folder()
        monkeypatch.setattr(faults_in_force_module, "put_in_force", self.put_in_force)

    @contextmanager
    def put_in_force(self, fault: Any, _context: object) -> Iterator[str]:
        """Be a fault."""
        if f"apply {fault.fault}" in self.breaks:
            raise self.breaks[f"apply {fault.fault}"]
        self.now.append(fault.fault)
        yield "it was seen"
        self.now.remove(fault.fault)
        if f"heal {fault.fault}" in self.breaks:
            raise self.breaks[f"heal {fault.fault}"]

    def begun(self, *faults: Any) -> FaultsInForce:
        """Return the faults of a phase that began at 100 s."""
        faults_in_force = FaultsInForce(cast("Any", None), cast("Any", self.folder))
        faults_in_force.begin(schedule_of(with_faults(*faults)), 100.0, SCALE)
        return faults_in_force


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world without parts."""
    return World(monkeypatch)


CUT = {"fault": "link_cut", "after": "20s", "for": "10s"}
STALLED = {"fault": "link_stalled", "after": "10s", "for": "50s"}
KILLED = {"fault": "worker_killed", "after": "30s"}


def test_a_fault_comes_and_goes_at_its_times(world: World) -> None:
    """Guarantees incident time, divided by the phase's scale, since the phase began."""
    faults = world.begun(CUT)

    assert faults.next_mono_s() == 102.0
    faults.act(101.99)
    assert world.now == []
    faults.act(102.0)
    assert (world.now, faults.next_mono_s()) == (["link_cut"], 103.0)
    faults.act(103.0)
    assert (world.now, faults.next_mono_s()) == ([], float("inf"))
    assert world.folder.said() == ["requested link_cut", "in_force link_cut", "healed link_cut"]
    assert {data["key"] for _, data in world.folder.events} == {"hanging.0.0"}


def test_what_is_over_at_once_is_healed_at_once(world: World) -> None:
    """Guarantees that a killed worker is seen to come back before anything else happens."""
    world.begun(KILLED).act(103.0)
    assert world.folder.said() == ["requested worker_killed", "in_force worker_killed", "healed worker_killed"]


def test_what_was_missed_is_caught_up_with_in_order(world: World) -> None:
    """Guarantees that a part which took long to start does not swallow the faults that were due meanwhile."""
    faults = world.begun(CUT, STALLED)
    faults.act(104.0)

    assert world.folder.said() == [
        *["requested link_stalled", "in_force link_stalled", "requested link_cut", "in_force link_cut"]
    ]
    faults.act(104.0)
    assert world.now == ["link_stalled"]


def test_a_part_is_healed_before_it_is_broken_again_however_late_that_is(world: World) -> None:
    """Guarantees that two faults which never meet by plan don't meet because the timeline was held up."""
    faults = world.begun(CUT, {"fault": "link_reset", "after": "30s", "for": "10s"})
    faults.act(103.5)

    assert world.folder.said() == [
        *["requested link_cut", "in_force link_cut", "healed link_cut"],
        *["requested link_reset", "in_force link_reset"],
    ]


def test_the_phase_s_end_heals_all_and_drops_the_rest(world: World) -> None:
    """Guarantees that a phase which ends early takes its faults with it: they never appear as asked for."""
    faults = world.begun(CUT, STALLED)
    faults.act(101.5)
    faults.end()

    assert world.now == []
    assert faults.next_mono_s() == float("inf")
    assert world.folder.said() == ["requested link_stalled", "in_force link_stalled", "healed link_stalled"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_stays_in_force_whatever_ends_the_timeline(world: World, error: type[BaseException]) -> None:
    """Guarantees that an interrupted run leaves no broken part behind, the latest fault healed first."""
    faults = world.begun(CUT, STALLED)

    def interrupted() -> None:
        with faults:
            faults.act(102.5)
            raise error

    with pytest.raises(error):
        interrupted()

    assert world.now == []
    assert world.folder.said()[-2:] == ["healed link_cut", "healed link_stalled"]


ODD: list[Callable[[], Exception]] = [lambda: NotEnforceableError("not here"), lambda: ZeroDivisionError("odd")]


@pytest.mark.parametrize("make", ODD, ids=["named", "unforeseen"])
def test_a_fault_that_never_took_effect_is_said_and_the_others_go_on(
    world: World, make: Callable[[], Exception]
) -> None:
    """Guarantees a fault event that no checker takes for a fault in force, and no end of the trial."""
    world.breaks["apply link_stalled"] = make()
    faults = world.begun(CUT, STALLED)
    faults.act(104.0)
    faults.end()

    assert world.folder.said() == [
        *["requested link_stalled", "failed link_stalled", "requested link_cut", "in_force link_cut", "healed link_cut"]
    ]
    (failure,) = (data for kind, data in world.folder.events if kind == "fault_failed")
    assert failure["what"] == "never took effect"
    assert str(failure["why"]) in {"not here", "ZeroDivisionError: odd"}


def test_a_fault_that_can_not_be_healed_is_said_and_the_others_heal(world: World) -> None:
    """Guarantees that one part which does not come back keeps no other one broken."""
    world.breaks["heal link_cut"] = NotEnforceableError("still cut")
    faults = world.begun(CUT, STALLED)
    faults.act(102.5)
    faults.end()

    assert world.now == []
    assert world.folder.said()[-2:] == ["failed link_cut", "healed link_stalled"]


def test_a_disk_that_takes_no_fault_event_ends_the_trial(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that a fault without a fault event is not simply played on."""

    def full(_kind: str, **_data: Scalar) -> None:
        raise RunDirectoryError("no space left")

    monkeypatch.setattr(world.folder, "event", full)
    with pytest.raises(RunDirectoryError):
        world.begun(CUT).act(102.0)


KILL = {"fault": "broker_killed", "for": "10s"}


def test_a_fault_that_its_part_can_not_suffer_is_refused_before_anything_starts() -> None:
    """Guarantees field and remedy where a broker given by URL is to be killed, and silence where it is our own."""
    scenario = with_faults(CUT, KILL)
    with pytest.raises(ScenarioError, match=r"timeline\.1\.faults\.1: broker_killed needs .* leave --broker-url out"):
        check_abilities(scenario, {"broker": Broker})
    check_abilities(scenario, {"broker": OwnBroker})
    check_abilities(scenario, {})


def test_a_part_that_turns_out_unable_makes_the_fault_fail() -> None:
    """Guarantees the same sentence in the fault events where it could not be known beforehand."""
    folder = Folder()
    context = FaultContext(None, None, None, None, None, time_scale=SCALE)
    faults = FaultsInForce(context, cast("Any", folder))
    faults.begin(schedule_of(with_faults({"fault": "database_down", "for": "1s"})), 100.0, SCALE)
    faults.act(100.0)
    (failure,) = (data for kind, data in folder.events if kind == "fault_failed")
    assert "database_down needs a database whose every statement can be made to fail" in str(failure["why"])
