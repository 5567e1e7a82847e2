"""The incident packages: each keeps the engine's protocols, and names nothing that it does not have."""

import json
import random
from pathlib import Path

import pytest

from harness import incidents
from harness.environment.broker import broker as broker_module
from harness.environment.broker import protocol, work_queue
from harness.environment.dependency import Dependency
from harness.errors import ScenarioError
from harness.incidents import heap_rules_of, incident, incident_names, measures_of, payload_of, worker_of
from harness.message_ids import message_id
from harness.protocols import dependency
from tests.scenario_documents import document, scenario_of

NAMES = incident_names()


def test_the_packages_are_found_by_name_and_one_is_no_incident_at_all() -> None:
    """Guarantees that the default is there, that ``none`` is, and that another name is an error."""
    assert {incidents.DEFAULT, incidents.NONE} <= set(NAMES)
    assert [incident(name).name for name in NAMES] == list(NAMES)
    with pytest.raises(KeyError, match="no_such"):
        incident("no_such")


@pytest.mark.parametrize("name", NAMES)
def test_a_body_has_its_size_and_its_id_under_the_incidents_key(name: str) -> None:
    """Guarantees that the ledger finds a message by the key that the package names, whatever the body is."""
    facts = incident(name)
    template = payload_of(name).template(random.Random(1), 5_000)
    wanted = message_id(7, 3, facts.id_prefix)

    body = template.body(wanted)

    assert len(body) == 5_000
    assert json.loads(body)[facts.id_key] == wanted
    for kind in facts.poisons:
        assert wanted.encode() in payload_of(name).poison(kind, wanted)[:4096]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_package_names_is_there(name: str) -> None:
    """Guarantees that measures, benchmarks, outcomes and ingress are not only promised."""
    facts = incident(name)

    assert set(measures_of(name)) == set(facts.measures)
    assert set(incidents.benchmarks_of(name)) == set(facts.benchmarks)
    assert bool(heap_rules_of(name)) == (facts.package is not None)
    assert not facts.has_outcomes or callable(incidents.outcomes_of(name))
    assert not facts.has_ingress or callable(incidents.ingress_of(name).publisher)
    assert callable(worker_of(name).env)


def test_a_scenario_of_no_incident_refuses_what_only_an_incident_has(tmp_path: Path) -> None:
    """Guarantees that a preset, a mechanism, or an unknown incident ends as a sentence that names the field."""
    with pytest.raises(
        ScenarioError, match=r"arms\.incident: worker\.preset: 'incident' is no preset .* give a command"
    ):
        scenario_of(tmp_path, incident="none", reported={})
    with pytest.raises(ScenarioError, match="incident: there are none, pika_mem0"):
        scenario_of(tmp_path, incident="pika_mem1")
    assert document().get("incident") is None


def keeps_the_protocols(
    broker: broker_module.Broker, queue: work_queue.WorkQueue, served: Dependency
) -> tuple[protocol.Broker, protocol.WorkQueue, dependency.Dependency]:
    """Hold for the type checker that each adapter keeps its protocol: mypy is the test."""
    return broker, queue, served
