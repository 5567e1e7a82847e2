"""From incident time to arrivals: rates and bursts at each phase's own clock, the same workload whatever happens."""

from pathlib import Path
from typing import Any

import pytest

from harness.load.arrivals import arrivals_of, sizes_of
from harness.load.schedule import Arrival
from harness.scenario import Scenario
from harness.timeline.phases import planned_starts_s
from tests.scenario_documents import document, scenario_of


def arrivals(scenario: Scenario) -> tuple[Arrival, ...]:
    """Return the arrivals at the planned times."""
    return arrivals_of(scenario, planned_starts_s(scenario))


def test_rates_and_bursts_are_played_at_the_clock_of_their_phase(tmp_path: Path) -> None:
    """Guarantees the counts: 6 a minute for 100 s are 10 in 10 s of replay, a burst of 40 over 10 s in real time."""
    times_s = [arrival.intended_s for arrival in arrivals(scenario_of(tmp_path))]

    healthy = [time_s for time_s in times_s if time_s < 10]
    burst = [time_s for time_s in times_s if time_s >= 20]
    assert (len(healthy), len(burst), len(times_s)) == (10, 40, 50)
    assert healthy[1] - healthy[0] == pytest.approx(1.0)
    assert (burst[0], burst[-1]) == (20.0, 29.75)


def test_a_burst_over_its_whole_phase_is_no_error(tmp_path: Path) -> None:
    """Guarantees that the last digit of a division does not refuse a scenario: 20 s at a scale of 3, after 7/3 s."""
    data = document(time_scale=3)
    data["timeline"] = [
        {"phase": "before", "from": "11:00:00", "to": "11:00:07"},
        {"phase": "burst", "from": "11:00:07", "to": "11:00:27", "arrivals": {"burst": 5, "over": "20s"}},
    ]
    arms: dict[str, Any] = {"incident": {"role": "before", "worker": {"preset": "incident"}}}
    scenario = scenario_of(tmp_path, **{**data, "arms": arms, "reported": {}})

    assert len(arrivals(scenario)) == 5


def test_the_same_seed_gives_the_same_workload(tmp_path: Path) -> None:
    """Guarantees that a run can be repeated, and that another seed is another workload."""
    scenario = scenario_of(tmp_path)

    assert arrivals(scenario) == arrivals(scenario)
    assert arrivals(scenario) != arrivals(scenario.model_copy(update={"seed": 8}))


def test_bodies_have_the_sizes_that_the_scenario_asks_for(tmp_path: Path) -> None:
    """Guarantees the bridge to the payload."""
    sizes = sizes_of(scenario_of(tmp_path))

    assert (sizes.min_bytes, sizes.max_bytes) == (1_000_000, 2_000_000)
