"""The queue of one trial: in a virtual host of its own, which goes with all it holds, whatever happens."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from harness.environment.broker.management_api import QueueCounts
from harness.environment.broker.work_queue import QueueSettings, work_queue
from harness.errors import PartFailedError
from harness.record import QueueKind


class FakeBroker:
    """A broker that writes down what it is asked."""

    def __init__(self, *, refuses_queues: bool = False) -> None:
        self.api = self
        self.refuses_queues = refuses_queues
        self.asked: list[str] = []
        self.policy: Mapping[str, int] = {}

    def create_vhost(self, name: str) -> None:
        """Make a virtual host."""
        self.asked.append(f"create {name}")

    def declare_queue(self, name: str, *, vhost: str, kind: str) -> None:
        """Make a queue, or refuse."""
        self.asked.append(f"declare {kind} {name} in {vhost}")
        if self.refuses_queues:
            raise PartFailedError("no queue today")

    def put_policy(self, queue: str, settings: Mapping[str, int], *, vhost: str) -> None:
        """Set a policy."""
        self.asked.append(f"policy {dict(settings)} for {queue} in {vhost}")
        self.policy = dict(settings)

    def policy_in_force(self, _queue: str, *, vhost: str) -> Mapping[str, int]:
        """Return the policy, or none where it is lost."""
        del vhost
        return self.policy

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host."""
        self.asked.append(f"delete {name}")

    def queues(self, *, vhost: str) -> tuple[QueueCounts, ...]:
        """Return the queue beside three others: one that is consumed, a waiting room, and dead letters."""
        self.asked.append(f"queues of {vhost}")
        nothing = QueueCounts(0, 0, 0, 0, 0, 0)
        return (
            replace(nothing, name="events", ready=4, unacked=1, consumers=1),
            replace(nothing, name="consumed", ready=2, consumers=1),
            replace(nothing, name="waiting", ready=3, moves_on=True),
            replace(nothing, name="dead", ready=50),
        )

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
        assert broker.asked == ["create run-fixed", "declare classic events in run-fixed"]
        counts = queue.counts()
        assert broker.asked[-1] == "queues of run-fixed"
        assert counts.work.messages == 5
        assert cast("Any", queue.consumers()) == "consumers of events in run-fixed"
        assert queue.amqp_url(host="127.0.0.1", port=4000) == "amqp://127.0.0.1:4000/run-fixed"

    assert broker.asked[-1] == "delete run-fixed"


def test_what_waits_in_other_queues_is_still_under_way_and_dead_letters_are_not() -> None:
    """Guarantees that a trial is drained when its waiting rooms are empty too, whatever was put aside for good."""
    broker = FakeBroker()
    with work_queue(cast("Any", broker), "run-fixed", "events") as queue:
        counts = queue.counts()

    kinds = {each.name: kind for kind, each in counts.others}
    assert kinds == {"consumed": QueueKind.CONSUMED, "waiting": QueueKind.WAITING, "dead": QueueKind.ASIDE}
    assert counts.waiting_elsewhere == 5
    assert not counts.settled
    at_rest = replace(counts, work=replace(counts.work, ready=0, unacked=0), others=counts.others[2:])
    assert at_rest.settled
    assert at_rest.text == "0 ready, 0 unacknowledged, 50 in dead (aside)"


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


def test_a_queue_has_its_kind_and_its_policy_from_its_first_moment() -> None:
    """Guarantees that no message is in the queue before its limits and timers are."""
    broker = FakeBroker()
    with work_queue(cast("Any", broker), "run", "events", QueueSettings("quorum", {"delivery-limit": 5})):
        assert broker.asked[1:] == ["policy {'delivery-limit': 5} for events in run", "declare quorum events in run"]
