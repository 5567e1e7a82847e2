"""Faults in a scenario file: what is refused and how it is said, and a schedule that follows from the seed alone."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import ScenarioError
from harness.faults import registry
from harness.scenario import FAULTS, FaultOccurrence, Scenario, schedule_hash, schedule_of
from tests.scenario_documents import document, scenario_of

KINS = Path(registry.__file__).parent
HANGING = 1  # the drill's second phase, 11:01:40 to 11:03:20


def with_faults(*faults: Any, **changes: Any) -> Scenario:
    """Return the drill with faults in its second phase."""
    data = document(**changes)
    data["timeline"][HANGING]["faults"] = list(faults)
    return Scenario.model_validate(data)


def cut(**times: str) -> dict[str, str]:
    """Return a cut of the link."""
    return {"fault": "link_cut", "for": "10s", **times}


# What is written, and what is said of it.
REFUSED: dict[str, tuple[list[Any], str]] = {
    "a fault that does not exist": ([{"fault": "link_latensy"}], "faults.0: 'fault' must name a fault"),
    "no fault at all": ([3], "faults.0: 'fault' must name a fault"),
    "a setting left out": (
        [{"fault": "link_latency", "for": "2s"}],
        "timeline.1.faults.0.latency: this field is required",
    ),
    "a setting misspelt": (
        [{"fault": "link_latency", "for": "2s", "latency": "1s", "jiter": "1s"}],
        "faults.0.jiter: unknown field; did you mean 'jitter'?",
    ),
    "a fault that is over before it begins": ([cut(**{"for": "0s"})], "faults.0.for: must be greater than 0 (is '0s')"),
    "a number without a unit": ([cut(**{"for": "10"})], "'10' is not a duration"),
    "two beginnings": ([cut(at="11:02:00", after="3s")], "name at most one of at"),
    "how often, and not for how long": ([cut(rate="6/min")], "rate and over belong together"),
    "never": ([cut(rate="0/min", over="60s")], "rate times over asks for 0 times"),
    "too often": ([cut(rate="10/s", over="60s")], "rate times over asks for 600 times; 1 to 200"),
    "over before it is over": ([cut(rate="6/min", over="10s")], "over is no longer than one fault lasts"),
    "before its phase": ([cut(at="11:01:30")], "faults.0: link_cut does not lie within its phase"),
    "beyond its phase": ([cut(at="11:03:15")], "faults.0: link_cut does not lie within its phase"),
    "at the very end": ([{"fault": "worker_killed", "at": "11:03:20"}], "worker_killed does not lie within its phase"),
    "two on one part": (
        [cut(after="20s"), {"fault": "link_reset", "after": "29s", "for": "1s"}],
        "link_reset begins before link_cut has healed, both on the link",
    ),
    "rules that are none": (
        [
            {
                "fault": "mem0_misbehaves",
                "for": "3s",
                "rules": [{"mode": mode, "rate": 0.6} for mode in ("status", "huge")],
            }
        ],
        "the rates of the rules add up to 1.2",
    ),
    "more pulses than anybody reads": (
        [{"fault": "link_flapping", "for": "60s", "up": "100ms", "down": "100ms"}],
        "up to 600 pulses; at most 200",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_meant_is_refused_with_field_and_value(name: str, tmp_path: Path) -> None:
    """Guarantees that a fault which would do nothing, or something else, never starts."""
    faults, said = REFUSED[name]
    data = document()
    data["timeline"][HANGING]["faults"] = faults

    with pytest.raises(ScenarioError) as refusal:
        scenario_of(tmp_path, **data)

    assert said in str(refusal.value)
    assert "drill.yaml" in str(refusal.value)


def test_toxics_on_one_link_may_meet() -> None:
    """Guarantees that a link can be slow and narrow at once."""
    slow = {"fault": "link_latency", "latency": "1s", "for": "10s"}
    assert len(schedule_of(with_faults(slow, {"fault": "link_stalled", "for": "10s"}))) == 2


def test_times_are_counted_from_the_phase_s_beginning() -> None:
    """Guarantees that a time of day and a duration since the phase began mean the same moment."""
    by_clock, by_duration, at_once = (
        schedule_of(with_faults(cut(**times))) for times in ({"at": "11:01:50"}, {"after": "10s"}, {})
    )
    assert [(each.key, each.phase, each.begins_s, each.ends_s) for each in by_clock] == [
        ("hanging.0.0", "hanging", 10.0, 20.0)
    ]
    assert [each.begins_s for each in (*by_duration, *at_once)] == [10.0, 0.0]


def test_a_scenario_with_faults_survives_being_stored() -> None:
    """Guarantees that the ``scenario.json`` of a run is the same workload again, by the same hash."""
    scenario = with_faults(cut(rate="6/min", over="60s"), {"fault": "worker_killed", "after": "70s"})
    again = Scenario.model_validate_json(scenario.model_dump_json(by_alias=True))

    assert again == scenario
    assert schedule_hash(schedule_of(again)) == schedule_hash(schedule_of(scenario))


def test_every_fault_has_a_name_that_finds_its_settings() -> None:
    """Guarantees that the registry misses no fault of any kin, and that each says what it means and what it needs."""
    written = re.findall(r'    fault: Literal\["(\w+)"\]', "".join(path.read_text() for path in KINS.glob("*.py")))
    assert sorted(FAULTS) == sorted(written)
    assert all(model.__doc__ and getattr(model.needs, "_is_protocol", False) for model in FAULTS.values())


DRAWN = st.one_of(
    st.builds(
        lambda per_min, over, lasts: cut(rate=f"{per_min}/min", over=f"{over}s", **{"for": f"{lasts}s"}),
        st.integers(2, 60),
        st.integers(60, 100),
        st.integers(1, 20),
    ),
    st.builds(
        lambda up, down: {"fault": "link_flapping", "for": "100s", "up": f"{up}s", "down": f"{down}s"},
        st.integers(1, 20),
        st.integers(1, 20),
    ),
)


@given(fault=DRAWN, seed=st.integers(0, 2**32 - 1))
def test_the_same_seed_draws_the_same_schedule(fault: dict[str, str], seed: int) -> None:
    """Guarantees that a run can be replayed: schedule and hash follow from the scenario and its seed."""
    first, second = (schedule_of(with_faults(fault, seed=seed)) for _ in range(2))

    assert first == second
    assert schedule_hash(first) == schedule_hash(second)


@example(fault={"fault": "link_flapping", "for": "100s", "up": "3s", "down": "7s"}, seed=55739074)
@given(fault=DRAWN, seed=st.integers(0, 2**32 - 1))
@example(fault={"fault": "link_flapping", "for": "100s", "up": "3s", "down": "7s"}, seed=55739074)
def test_what_is_drawn_lies_within_its_stretch_and_never_meets_itself(fault: dict[str, str], seed: int) -> None:
    """Guarantees at least one occurrence, whatever the seed, each healed before the next begins."""
    drawn = schedule_of(with_faults(fault, seed=seed))

    assert drawn
    assert all(0 <= each.begins_s < each.ends_s <= 100 for each in drawn)
    assert all(before.ends_s <= after.begins_s for before, after in pairwise(drawn))


def test_another_seed_draws_another_schedule() -> None:
    """Guarantees that the seed decides: a hundred seeds, a hundred schedules."""
    fault = cut(rate="6/min", over="90s")
    assert len({schedule_hash(schedule_of(with_faults(fault, seed=seed))) for seed in range(100)}) == 100


def test_an_entry_more_does_not_move_those_that_were_there() -> None:
    """Guarantees that a scenario can be added to without becoming another workload."""
    fault = {"fault": "link_flapping", "for": "50s", "up": "4s", "down": "2s"}

    def times(schedule: tuple[FaultOccurrence, ...]) -> list[tuple[float, float]]:
        return [(each.begins_s, each.ends_s) for each in schedule if each.fault.fault == "link_flapping"]

    alone, accompanied = with_faults(fault), with_faults(fault, {"fault": "worker_killed", "after": "60s"})
    assert times(schedule_of(alone)) == times(schedule_of(accompanied))


def test_a_scenario_without_faults_has_no_hash() -> None:
    """Guarantees that the manifest of such a run says so."""
    assert schedule_hash(schedule_of(with_faults())) == ""
