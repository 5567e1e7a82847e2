"""What a scenario says of the broker: scaled where it is a time, and refused where the queue can't keep it."""

from pathlib import Path
from typing import Any

import pytest

from harness.environment.broker.broker import Broker, OwnBroker
from harness.environment.broker.management_api import BrokerApi, BrokerVersions
from harness.environment.broker.node import timer_settings
from harness.errors import NotEnforceableError, ScenarioError
from harness.scenario import Scenario
from harness.trial.queue_settings import queue_settings
from tests.scenario_documents import document, scenario_of

ALL = {"queue": "quorum", "acknowledgement_timeout": "30m", "delivery_limit": 5, "message_ttl": "10s"}


def with_broker(**settings: Any) -> Scenario:
    """Return the drill, whose time scale is 10, with such a broker."""
    return Scenario.model_validate(document(broker=settings))


def broker_of(kind: type[Broker], version: str, **more: Any) -> Broker:
    """Return a broker of that version that is never called."""
    return kind(
        "127.0.0.1", 5672, 15672, BrokerApi("http://127.0.0.1:1", "me", "x"), BrokerVersions(version, "25"), **more
    )


def test_times_of_the_broker_are_incident_time() -> None:
    """Guarantees that thirty minutes at a scale of ten are three, in the milliseconds that RabbitMQ counts in."""
    settings = with_broker(**ALL).broker
    assert settings.acknowledgement_timeout_ms(10) == 180_000
    assert settings.policy(10) == {"delivery-limit": 5, "message-ttl": 1_000}
    assert with_broker().broker.acknowledgement_timeout_ms(10) is None
    assert with_broker().broker.policy(10) == {}


def test_a_scenario_with_a_broker_survives_storing() -> None:
    """Guarantees that a run's own scenario is the same again."""
    scenario = with_broker(**ALL)
    assert Scenario.model_validate_json(scenario.model_dump_json(by_alias=True)) == scenario


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"delivery_limit": 5},
            "broker: delivery_limit: a classic queue delivers again without end; add queue: quorum",
        ),
        ({"acknowledgement_timeout": "0s"}, "broker.acknowledgement_timeout: must be greater than 0"),
        ({"acknowledgement_timeout": 30}, "30 is not a duration"),
        ({"queue": "stream"}, "broker.queue: must be 'classic' or 'quorum'"),
    ],
)
def test_what_the_broker_can_not_keep_is_refused(settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    """Guarantees field and remedy before anything starts."""
    with pytest.raises(ScenarioError) as refusal:
        scenario_of(tmp_path, broker=settings)
    assert said in str(refusal.value)


def test_our_own_broker_has_the_timeout_in_its_configuration() -> None:
    """Guarantees a look at the deliveries often enough for a timeout that was scaled."""
    assert timer_settings(None) == {}
    assert timer_settings(90_000) == {"consumer_timeout": 90_000, "channel_tick_interval": 4_500}
    assert timer_settings(300)["channel_tick_interval"] == 100
    own = broker_of(OwnBroker, "3.10.8", node=None)
    assert "consumer-timeout" not in queue_settings(with_broker(**ALL), own).policy


def test_a_broker_given_by_url_takes_the_timeout_from_a_policy_or_not_at_all() -> None:
    """Guarantees that an old one is not silently left at its thirty real minutes."""
    scenario = with_broker(**ALL)
    assert queue_settings(scenario, broker_of(Broker, "3.12.1")).policy["consumer-timeout"] == 180_000
    with pytest.raises(NotEnforceableError, match=r"broker\.acknowledgement_timeout: RabbitMQ 3\.10\.8 at .* leave"):
        queue_settings(scenario, broker_of(Broker, "3.10.8"))
    assert queue_settings(with_broker(message_ttl="10s"), broker_of(Broker, "3.10.8")).policy == {"message-ttl": 1_000}
