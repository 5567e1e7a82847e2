"""A broker by URL: what is refused, what is masked, and how its API's failures are told."""

import pytest

from harness.environment.broker.broker import Broker, OwnBroker, external_broker
from harness.environment.broker.management_api import BrokerApi, BrokerVersions
from harness.environment.ports import free_port
from harness.errors import PartFailedError, RefusedTargetError, UsageError
from harness.faults.context import CanKill, CanRaiseAlarm, CanShutDown
from harness.redaction import masked


def test_a_broker_elsewhere_is_refused() -> None:
    """Load and chaos do not leave this machine by accident, and the refusal does not print the password."""
    with pytest.raises(RefusedTargetError) as caught, external_broker("amqp://me:secret@192.0.2.1/"):
        pass
    assert "amqp://me:***@192.0.2.1/ is not on this machine" in str(caught.value)
    assert "--allow-target" in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:5672", "amqp://", "127.0.0.1:5672", ""])
def test_what_is_no_broker_url_is_refused(url: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(UsageError, match="write amqp://user:password@host:port/vhost"), external_broker(url):
        pass


def test_a_broker_that_does_not_answer_is_said_without_its_password() -> None:
    """The address and the call are named."""
    port = free_port()
    url = "amqp://me:secret@127.0.0.1:5672/%2F"
    refusal = pytest.raises(PartFailedError, match=f"127.0.0.1:{port}: GET /overview")
    with refusal as caught, external_broker(url, management_port=port):
        pass
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://me:secret@host:1/v", "amqp://me:***@host:1/v"),
        ("amqp://host/v", "amqp://host/v"),
        ("see amqp://me:se:cret@host and http://a:b@c", "see amqp://me:***@host and http://a:***@c"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    """In URLs, wherever they stand in a text."""
    assert masked(url) == shown


def test_urls_of_virtual_hosts_and_links() -> None:
    """The URL a worker gets: any virtual host, by the broker's own address or by a link's."""
    with BrokerApi("http://127.0.0.1:1", "me", "p@ss") as api:
        broker = Broker("127.0.0.1", 5672, 15672, api, BrokerVersions("3", "25"), "me", "p@ss")
        assert broker.amqp_url() == "amqp://me:p%40ss@127.0.0.1:5672/%2F"
        assert broker.amqp_url("run/1", host="127.0.0.2", port=7) == "amqp://me:p%40ss@127.0.0.2:7/run%2F1"
        assert "p@ss" not in repr(broker)


def test_a_broker_that_is_not_ours_is_not_killed() -> None:
    """Faults on the broker's process need a private node."""
    with BrokerApi("http://127.0.0.1:1", "me", "x") as api:
        broker = Broker("127.0.0.1", 5672, 15672, api, BrokerVersions("3", "25"))
        assert not any(isinstance(broker, ability) for ability in (CanKill, CanShutDown, CanRaiseAlarm))
    assert all(issubclass(OwnBroker, ability) for ability in (CanKill, CanShutDown, CanRaiseAlarm))
