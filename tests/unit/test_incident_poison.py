"""Poison and copies: what beside plain conversations a phase can publish, and that every part knows the same kinds."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ScenarioError
from harness.incidents import incident
from harness.incidents.pika_mem0.poison import KINDS, TOO_LARGE_BYTES, poison_body
from harness.load.arrivals import arrivals_of
from harness.load.schedule import ArrivalPhase, Burst, Constant, build_schedule, schedule_hash
from harness.protocols.payload import PayloadSizes
from harness.timeline.phases import planned_starts_s
from tests.scenario_documents import document, scenario_of
from worker_under_test.errors import UnparseableMessageError
from worker_under_test.streamed_conversation import read_conversation

SIZES = PayloadSizes(2_000, 3_000)
NAME = "conv-00000007-000003"
PHASE = ArrivalPhase("mixed", 0.0, 10.0, Burst(4, 4.0), copies=2, poison=("not_json", "no_id"))


def test_a_scenario_knows_every_kind_and_no_other() -> None:
    """Guarantees that a kind which is added in one place is not forgotten in the other."""
    assert set(incident("pika_mem0").poisons) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_shows_whose_it_is_and_can_be_processed_by_nobody(kind: str) -> None:
    """Guarantees that the ledger finds the message again, and that the hardened worker does not take it."""
    body = poison_body(kind, NAME)

    assert f'"conversation_id": "{NAME}"'.encode() in body[:200]
    with pytest.raises(UnparseableMessageError):
        read_conversation(body)


def test_the_kinds_are_what_their_names_say() -> None:
    """Guarantees that each is wrong in its own way alone: the others would hide it."""
    with pytest.raises(json.JSONDecodeError):
        json.loads(poison_body("not_json", NAME))
    with pytest.raises(UnicodeDecodeError):
        poison_body("wrong_encoding", NAME).decode()
    with pytest.raises(RecursionError):
        json.loads(poison_body("deep_nesting", NAME))
    assert "conversation_id" not in json.loads(poison_body("no_id", NAME))
    assert json.loads(poison_body("null_fields", NAME))["conversation_log"] is None
    assert json.loads(poison_body("null_rows", NAME))["conversation_log"][0]["content"] is None
    assert TOO_LARGE_BYTES < len(poison_body("too_large", NAME)) < TOO_LARGE_BYTES + 100


def test_poison_is_spread_among_the_innocent_and_copies_are_one_arrival() -> None:
    """Guarantees the schedule by hand: four in four seconds, poison at 2.5 and 7.5 s, ids in order of arrival."""
    arrivals = build_schedule([PHASE], seed=7, sizes=SIZES, id_prefix="conv")

    assert [(a.intended_s, a.poison) for a in arrivals] == [
        *[(0.0, None), (1.0, None), (2.0, None), (2.5, "not_json"), (3.0, None)],
        (7.5, "no_id"),
    ]
    assert {a.copies for a in arrivals} == {2}
    assert [a.message_id for a in arrivals] == [f"conv-00000007-00000{n}" for n in range(6)]


def test_a_workload_with_poison_or_copies_has_another_hash() -> None:
    """Guarantees that two workloads which differ in nothing else are not taken for the same."""
    plain = ArrivalPhase("mixed", 0.0, 10.0, Constant(1.0))
    twice = ArrivalPhase("mixed", 0.0, 10.0, Constant(1.0), copies=2)

    assert schedule_hash(build_schedule([plain], seed=7, sizes=SIZES)) != schedule_hash(
        build_schedule([twice], seed=7, sizes=SIZES)
    )


def test_a_phases_poison_and_copies_reach_the_schedule(tmp_path: Path) -> None:
    """Guarantees the way from a scenario's file to the load plan, and the count of what is planned."""
    data = document()
    data["timeline"][0] |= {"poison": ["null_rows"], "copies": 3}
    scenario = scenario_of(tmp_path, **data)
    arrivals = arrivals_of(scenario, planned_starts_s(scenario))

    assert scenario.messages_planned == len(arrivals) == 51
    assert [a.poison for a in arrivals if a.poison] == ["null_rows"]
    assert [a.copies for a in arrivals].count(3) == 11


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"poison": ["arsenic"]}, "timeline.0.poison: no kind is named 'arsenic'; the incident pika_mem0 has not_json"),
        ({"copies": 11}, "timeline.0.copies: must be less than or equal to 10"),
    ],
)
def test_poison_that_does_not_exist_is_refused_by_name(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """Guarantees a sentence with the field in it."""
    data = document()
    data["timeline"][0] |= changes
    with pytest.raises(ScenarioError, match=said):
        scenario_of(tmp_path, **data)
