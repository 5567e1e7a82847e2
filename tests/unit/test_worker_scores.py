"""The recorded results that scenarios expect are those that the worker's own formula gives for their bodies."""

from pathlib import Path

import pytest

from harness.incidents.pika_mem0.payload import PAYLOAD
from harness.load.payload import build_pool
from harness.protocols.payload import PayloadSizes
from harness.scenario import load_scenario
from worker_under_test.friendship_score import calculate_friendship_score
from worker_under_test.streamed_conversation import read_conversation

CHECKOUT = Path(__file__).resolve().parents[2]
EXPECTING = [CHECKOUT / "scenarios" / "healthy.yaml", CHECKOUT / "tests" / "mutants" / "scenarios" / "stream.yaml"]
FACTS = 3  # what a good answer of the dependency holds


@pytest.mark.parametrize("file", EXPECTING, ids=lambda file: file.stem)
def test_the_range_of_results_is_that_of_the_scenarios_own_bodies(file: Path) -> None:
    """Guarantees that every right score lies in the range, that it is narrow, and that a score without facts is not."""
    scenario = load_scenario(file)
    expected = scenario.arms["fixed"].expect.results
    sizes = PayloadSizes(scenario.messages.size_min, scenario.messages.size_max)
    pool = build_pool(PAYLOAD, scenario.seed, sizes)
    tallies = [read_conversation(template.body("c" * template.id_bytes)).tally for template in pool]
    right = [calculate_friendship_score(tally, FACTS) for tally in tallies]

    assert expected.at_least <= min(right)
    assert max(right) <= expected.at_most
    assert expected.at_most - expected.at_least < 3
    assert expected.different_at_least <= len(set(right))
    assert all(calculate_friendship_score(tally, 0) < expected.at_least for tally in tallies)
