"""The publishers against a real broker: what they were told to publish, what became of it, and how they end."""

import json
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pika
import pytest

from harness.environment.broker.broker import Broker, broker
from harness.environment.ports import free_ports
from harness.environment.run.run_scope import RunScope
from harness.errors import PartFailedError, RunDirectoryError
from harness.load.driver import Load
from harness.load.plan import Plan
from harness.load.schedule import ArrivalPhase, Burst, Constant, build_schedule
from harness.protocols.payload import PayloadSizes
from harness.store.publish_journal import read_journal
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

SIZES = PayloadSizes(90_000, 110_000)
LEAD_S = 3.0
BUSY_LEAD_S = 10.0  # where the pace is judged: five other test processes may be at work while the publishers start
QUEUE = "conversation_events_processing"


@pytest.fixture(scope="module")
def scope(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunScope]:
    """A run for the whole module."""
    with RunScope("test-load-publishing", root=tmp_path_factory.mktemp("state") / "runs") as scope:
        yield scope


@pytest.fixture(scope="module")
def node(scope: RunScope, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One private RabbitMQ for all tests of the module."""
    with broker(scope, tmp_path_factory.mktemp("logs")) as node:
        yield node


@pytest.fixture
def channel(node: Broker) -> Iterator[Any]:
    """A channel of our own to the broker, with the durable queue, empty."""
    connection = pika.BlockingConnection(pika.URLParameters(node.amqp_url()))
    channel = connection.channel()
    channel.queue_declare(QUEUE, durable=True)
    channel.queue_purge(QUEUE)
    yield channel
    connection.close()


def make_plan(node: Broker, folder: Path, *phases: ArrivalPhase, **changes: Any) -> Plan:
    """A plan that begins in ``LEAD_S`` seconds."""
    plan = Plan(
        amqp_url=node.amqp_url(),
        queue=QUEUE,
        journal_path=folder / "publishes.jsonl",
        start_mono_s=time.monotonic() + LEAD_S,
        stop_s=30.0,
        seed=42,
        sizes=SIZES,
        arrivals=build_schedule(phases, seed=42, sizes=SIZES, id_prefix="conv"),
    )
    return replace(plan, **changes)


@contextmanager
def playing(plan: Plan, scope: RunScope, folder: Path, **extra: str) -> Iterator[Load]:
    """Enter a load whose files are all in ``folder``."""
    env = scope.environment(**extra)
    with Load(plan, plan_path=folder / "plan.json", log_file=folder / "locust.log", env=env) as load:
        yield load


def depth(channel: Any, queue: str = QUEUE) -> int:
    """Messages that are ready."""
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def test_a_burst_is_published_on_time_confirmed_and_in_the_queue(
    node: Broker, channel: Any, scope: RunScope, tmp_path: Path
) -> None:
    """Every message once, at its time, persistent, named by its id, of exactly the size in the journal."""
    plan = make_plan(node, tmp_path, ArrivalPhase("workload", 0.5, 3.0, Burst(30, 1.0)))
    plan = replace(plan, start_mono_s=time.monotonic() + BUSY_LEAD_S)

    with playing(plan, scope, tmp_path) as load:
        assert not load.finished
        load.wait(30.0)
        summary = load.summary()

    journal = read_journal(plan.journal_path, plan.start_mono_s)
    assert load.finished
    assert load.death() is None
    assert (summary.planned, summary.attempted, summary.confirmed, summary.failed) == (30, 30, 30, 0)
    assert summary.offered_per_s == 30.0
    assert summary.achieved_per_s > 0.9 * summary.offered_per_s
    assert all(publish.sent_s >= publish.intended_s for publish in journal.publishes)
    assert journal.damaged == ()
    assert depth(channel) == 30
    sizes_bytes = {publish.message_id: publish.size_bytes for publish in journal.publishes}
    for _ in range(30):
        _, properties, body = channel.basic_get(QUEUE, auto_ack=True)
        message_id = json.loads(body)["conversation_id"]
        assert len(body) == sizes_bytes.pop(message_id)
        assert (properties.message_id, properties.delivery_mode) == (message_id, 2)
        assert properties.content_type == "application/json"
    assert not sizes_bytes


def test_copies_and_poison_go_out_as_planned_each_under_one_name(
    node: Broker, channel: Any, scope: RunScope, tmp_path: Path
) -> None:
    """Two conversations twice each, and one message that is no JSON twice: six in the queue, three in the journal."""
    plan = make_plan(node, tmp_path, ArrivalPhase("mixed", 0.0, 1.0, Burst(2, 0.5), copies=2, poison=("not_json",)))

    with playing(plan, scope, tmp_path) as load:
        load.wait(30.0)
        summary = load.summary()

    assert (summary.planned, summary.confirmed, summary.failed) == (3, 3, 0)
    assert depth(channel) == 6
    bodies = [channel.basic_get(QUEUE, auto_ack=True)[2] for _ in range(6)]
    assert sorted(bodies.count(body) for body in set(bodies)) == [2, 2, 2]
    assert sum(body.startswith(b"<html>") for body in bodies) == 2


def test_unroutable_messages_are_failures_and_are_not_repeated(
    node: Broker, channel: Any, scope: RunScope, tmp_path: Path
) -> None:
    """A queue that is not there: the journal says so for each message, and the load itself ends well."""
    plan = make_plan(node, tmp_path, ArrivalPhase("workload", 0.0, 1.0, Burst(5, 0.0)), queue="no_such_queue")

    with playing(plan, scope, tmp_path) as load:
        load.wait(30.0)
        summary = load.summary()

    publishes = read_journal(plan.journal_path, plan.start_mono_s).publishes
    assert (summary.attempted, summary.confirmed, summary.failed) == (5, 0, 5)
    assert all(publish.error and publish.error.startswith("UnroutableError") for publish in publishes)
    assert plan.journal_path.read_bytes().count(b"\n") == 2 * 5
    assert depth(channel) == 0


def test_messages_that_the_broker_refuses_are_failures(
    node: Broker, channel: Any, scope: RunScope, tmp_path: Path
) -> None:
    """A full queue that rejects: as many confirmed as it took, the rest nacked."""
    limits = {"x-max-length": 3, "x-overflow": "reject-publish"}
    channel.queue_declare("full", durable=True, arguments=limits)
    phase = ArrivalPhase("workload", 0.0, 1.0, Burst(8, 0.0))
    plan = make_plan(node, tmp_path, phase, queue="full", publishers=1)

    with playing(plan, scope, tmp_path) as load:
        load.wait(30.0)

    publishes = read_journal(plan.journal_path, plan.start_mono_s).publishes
    confirmed = [publish for publish in publishes if publish.confirmed_s is not None]
    refused = [publish for publish in publishes if publish.error and publish.error.startswith("NackError")]
    assert len(confirmed) == depth(channel, "full")
    assert len(confirmed) + len(refused) == 8
    assert refused
    channel.queue_delete("full")


def test_the_deadline_ends_a_load_whose_schedule_is_longer(
    node: Broker, channel: Any, scope: RunScope, tmp_path: Path
) -> None:
    """Arrivals after ``stop_s`` are never attempted, and nobody waits for them."""
    plan = make_plan(node, tmp_path, ArrivalPhase("steady", 0.0, 600.0, Constant(4.0)), stop_s=1.5)

    with playing(plan, scope, tmp_path) as load:
        load.wait(20.0)
        summary = load.summary()

    assert summary.planned == 2400
    assert summary.attempted <= 6  # fewer where two busy cores took the whole window to start Locust
    assert summary.confirmed == summary.attempted == depth(channel)


def test_a_load_that_is_left_early_stops_at_once(node: Broker, channel: Any, scope: RunScope, tmp_path: Path) -> None:
    """Publishers that wait for an arrival in ten minutes do not keep the trial waiting, and nothing is left behind."""
    plan = make_plan(node, tmp_path, ArrivalPhase("late", 600.0, 700.0, Burst(5, 1.0)), stop_s=700.0)

    with playing(plan, scope, tmp_path) as load:
        left_mono_s = time.monotonic()

    assert load.finished
    assert time.monotonic() - left_mono_s < 8.0
    assert load.summary().attempted == 0
    assert depth(channel) == 0


def test_attempts_of_killed_publishers_are_known(node: Broker, channel: Any, scope: RunScope, tmp_path: Path) -> None:
    """SIGKILL in mid-workload: whatever the queue holds was attempted, and whatever was confirmed is in the queue."""
    sizes = PayloadSizes(3_000_000, 3_000_000, templates=1)
    arrivals = build_schedule(
        [ArrivalPhase("workload", 0.0, 1.0, Burst(100, 0.0))], seed=42, sizes=sizes, id_prefix="conv"
    )
    plan = make_plan(node, tmp_path, sizes=sizes, arrivals=arrivals)

    with playing(plan, scope, tmp_path) as load:
        wait_for(
            "some messages to be confirmed", lambda: load.summary().confirmed >= 3, timeout_s=30.0, interval_s=0.005
        )
        os.kill(load._child.pid, signal.SIGKILL)
        with pytest.raises(PartFailedError, match="status 137"):
            load.wait(10.0)

    publishes = read_journal(plan.journal_path, plan.start_mono_s).publishes
    attempted = {publish.message_id for publish in publishes}
    confirmed = {publish.message_id for publish in publishes if publish.confirmed_s is not None}
    queued = set()
    while (message := channel.basic_get(QUEUE, auto_ack=True))[0] is not None:
        queued.add(message[1].message_id)
    assert 3 <= len(confirmed) < 100
    assert confirmed <= queued <= attempted


def test_publishers_that_cannot_write_their_journal_break_off(
    node: Broker, channel: Any, scope: RunScope, tmp_path: Path
) -> None:
    """A message whose attempt can't be written down is not sent.

    The workload ends as broken, with what was known kept.
    """
    arrivals = build_schedule(
        [ArrivalPhase("workload", 0.0, 1.0, Burst(200, 0.0))], seed=42, sizes=SIZES, id_prefix="conv"
    )
    plan = make_plan(node, tmp_path, arrivals=arrivals)

    with playing(plan, scope, tmp_path) as load:
        # As if the disk were full from then on: room for some of the messages, and for the log.
        resource.prlimit(load._child.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
        with pytest.raises(PartFailedError, match="status 4"):
            load.wait(30.0)
        summary = load.summary()

    assert "can't be written" in (tmp_path / "locust.log").read_text()
    assert 20 < summary.attempted < 200
    assert depth(channel) <= summary.attempted


def test_a_users_own_locust_settings_do_not_reach_the_workload(
    node: Broker, channel: Any, scope: RunScope, tmp_path: Path
) -> None:
    """Locust reads LOCUST_* and ~/.locust.conf; neither may change what is published."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".locust.conf").write_text("csv = surprise-of-the-home\n")
    plan = make_plan(node, tmp_path, ArrivalPhase("workload", 0.0, 1.0, Burst(3, 0.0)))

    with playing(plan, scope, tmp_path, LOCUST_CSV="surprise", HOME=str(tmp_path / "home")) as load:
        load.wait(20.0)

    assert load.summary().confirmed == depth(channel) == 3
    assert not list(tmp_path.rglob("surprise*"))


def test_a_load_without_a_broker_does_not_begin(node: Broker, scope: RunScope, tmp_path: Path) -> None:
    """The error says what was refused, shows the end of the log, and not the password."""
    (port,) = free_ports(1)
    url = f"amqp://guest:hunter2-canary@127.0.0.1:{port}/%2F"
    plan = make_plan(node, tmp_path, ArrivalPhase("workload", 0.0, 1.0, Burst(3, 0.0)), amqp_url=url)

    with pytest.raises(PartFailedError, match="status 4") as caught, playing(plan, scope, tmp_path):
        pytest.fail("the load began without a broker")

    assert "Connection refused" in str(caught.value)
    assert "hunter2" not in str(caught.value) + (tmp_path / "locust.log").read_text()
    assert not plan.journal_path.exists()


def test_a_load_does_not_begin_on_another_loads_journal(node: Broker, scope: RunScope, tmp_path: Path) -> None:
    """It would take that journal for the sign that its own publishers are connected."""
    plan = make_plan(node, tmp_path)
    plan.journal_path.touch()

    with pytest.raises(RunDirectoryError, match="journal of its own"), playing(plan, scope, tmp_path):
        pytest.fail("the load began")
