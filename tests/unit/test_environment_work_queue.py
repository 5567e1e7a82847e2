"""The queue of one trial: in a virtual host of its own, which goes with all it holds, whatever happens."""

from typing import Any, cast

import pytest

from harness.environment.broker.work_queue import work_queue
from harness.errors import PartFailedError


class FakeBroker:
    """A broker that writes down what it is asked."""

    def __init__(self, *, refuses_queues: bool = False) -> None:
        self.api = self
        self.refuses_queues = refuses_queues
        self.asked: list[str] = []

    def create_vhost(self, name: str) -> None:
        """Make a virtual host."""
        self.asked.append(f"create {name}")

    def declare_queue(self, name: str, *, vhost: str) -> None:
        """Make a queue, or refuse."""
        self.asked.append(f"declare {name} in {vhost}")
        if self.refuses_queues:
            raise PartFailedError("no queue today")

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host."""
        self.asked.append(f"delete {name}")

    def queue(self, name: str, *, vhost: str) -> str:
        """Return something of the queue."""
        return f"figures of {name} in {vhost}"

    def consumers(self, name: str, *, vhost: str) -> str:
        """Return something of its consumers."""
        return f"consumers of {name} in {vhost}"

    def amqp_url(self, vhost: str, *, host: str | None, port: int | None) -> str:
        """Return a URL."""
        return f"amqp://{host}:{port}/{vhost}"


def test_the_queue_is_made_asked_in_its_own_virtual_host_and_gone_afterwards() -> None:
    """Guarantees that two trials on one broker never meet."""
    broker = FakeBroker()
    with work_queue(cast("Any", broker), "run-fixed", "events") as queue:
        assert broker.asked == ["create run-fixed", "declare events in run-fixed"]
        assert cast("Any", queue.figures()) == "figures of events in run-fixed"
        assert cast("Any", queue.consumers()) == "consumers of events in run-fixed"
        assert queue.amqp_url(host="127.0.0.1", port=4000) == "amqp://127.0.0.1:4000/run-fixed"

    assert broker.asked[-1] == "delete run-fixed"


def test_it_is_gone_after_a_failure_too() -> None:
    """Guarantees that a broken trial leaves nothing on the broker, nor one whose queue could not be made."""
    broken = FakeBroker()

    def run(broker: FakeBroker) -> None:
        with work_queue(cast("Any", broker), "run-fixed", "events"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(broken)
    refusing = FakeBroker(refuses_queues=True)
    with pytest.raises(PartFailedError):
        run(refusing)

    assert broken.asked[-1] == refusing.asked[-1] == "delete run-fixed"
