"""The worker and its broker: the prefetch in force, redelivery, lost connections, restarts, and the ways to stop."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.environment.database.databases import SQLITE
from harness.environment.proxy.proxy import proxy
from harness.record.flight import Flight
from harness.store.flight_files import read_flight
from harness.waiting import wait_for
from tests.worker_bench import (
    ANSWER,
    HANG,
    LIMIT_S,
    Bench,
    BenchParts,
    bench_for,
    bench_parts,
    conversation,
)

pytestmark = pytest.mark.integration

PROCESSED = ("PROCESSED", None)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchParts]:
    """The broker and the memory API of this module."""
    with bench_parts(tmp_path_factory.mktemp("deliveries"), "worker-deliveries") as started:
        yield started


@pytest.fixture
def database() -> str:
    """Where a test's database is that does not say otherwise."""
    return SQLITE


@pytest.fixture
def bench(parts: BenchParts, database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A queue and a database of this test."""
    with bench_for(parts, request.node.name, tmp_path, database) as ready:
        yield ready


@pytest.mark.parametrize(
    ("options", "prefetch"),
    [
        (("--preset", "incident"), 0),
        (("--preset", "incident", "--mechanism", "M0"), 10),
        (("--preset", "incident", "--mechanism", "M1"), 0),
        (("--preset", "incident", "--mechanism", "M2"), 10),
        (("--preset", "postmortem"), 0),
        (("--preset", "fixed"), 10),
        (("--preset", "fixed", "--without", "prefetch_in_force"), 0),
    ],
)
def test_the_broker_says_which_prefetch_is_in_force(bench: Bench, options: tuple[str, ...], prefetch: int) -> None:
    """Guarantees that M1 is the real bug, and the remedy real, by the broker's own word; 0 is unlimited."""
    with bench.worker(*options):
        # The broker's figures are a second old: a prefetch set right after the consumer would show by then.
        bench.publish(conversation("c-0"))
        bench.wait_for_stats(acked=1)
        consumers = wait_for("the broker's word", bench.queue.consumers, timeout_s=LIMIT_S)
        assert [consumer.prefetch_count for consumer in consumers] == [prefetch]


def test_the_flight_recorder_of_a_killed_worker_says_what_it_held(bench: Bench) -> None:
    """Guarantees the last sample of a real worker: its queue, its open calls and their age, every body, its stacks."""
    bench.mem0.put_rules([], HANG)
    bench.env.update(MEMORY_API_TIMEOUT_SECONDS="30", FLIGHT_RECORDER_DIR=str(bench.folder / "flight"))
    bodies = [conversation(f"c-{number}") for number in range(25)]
    bench.publish(*bodies)
    with bench.worker("--preset", "incident", "--mechanism", "M1") as worker:

        def recorded() -> Flight | None:
            flight = read_flight(bench.folder / "flight", worker.pid, 0.0)
            in_read = [g for stacks in flight.stacks[-1:] for g in stacks.groups if len(g.threads) == 10]
            return flight if in_read and len(flight.samples[-1].call_ages_s) == 10 else None

        wait_for("ten open calls on record", recorded, timeout_s=LIMIT_S)
        worker.kill()
        flight = read_flight(bench.folder / "flight", worker.pid, 0.0)
    last = flight.samples[-1]
    assert (last.executor_queue, last.in_flight, last.bodies) == (15, 10, 25)
    assert last.bodies_bytes == sum(len(body) for body in bodies)
    assert last.call_ages_s[0] >= last.call_ages_s[-1] > 0
    assert not flight.ended
    assert any("total_deadline.py" in frame for frame in flight.stacks[-1].groups[0].frames)


@pytest.mark.parametrize("preset", ["incident", "fixed"])
def test_a_killed_worker_loses_nothing(bench: Bench, preset: str) -> None:
    """Guarantees that what was in hand at a SIGKILL is delivered to the next life of the worker."""
    bench.mem0.put_rules([], HANG)
    bench.env["MEMORY_API_TIMEOUT_SECONDS"] = "30"
    ids = [f"c-{number}" for number in range(15)]
    bench.seed(*ids)
    bench.publish(*(conversation(each) for each in ids))
    with bench.worker("--preset", preset) as first:
        bench.wait_for_stats(in_flight=10)
        assert first.kill() == 137
    bench.mem0.put_rules([], ANSWER)
    with bench.worker("--preset", preset):
        bench.wait_for_rows(dict.fromkeys(ids, PROCESSED))
        bench.wait_for_empty_queue()


def test_the_worker_outlives_its_broker(bench: Bench) -> None:
    """Guarantees the reconnection: a broker that was killed and started again finds its consumer back."""
    bench.seed("c-0", "c-1")
    with bench.worker("--preset", "fixed") as worker:
        bench.publish(conversation("c-0"))
        bench.wait_for_rows({"c-0": PROCESSED, "c-1": ("PENDING", None)})
        bench.own_broker.kill()
        bench.own_broker.start_again()
        wait_for("the consumer", bench.queue.consumers, timeout_s=LIMIT_S, alive=worker.death)
        bench.publish(conversation("c-1"))
        bench.wait_for_rows({"c-0": PROCESSED, "c-1": PROCESSED})


def test_twenty_lost_connections_leave_nothing_behind(parts: BenchParts, bench: Bench) -> None:
    """Guarantees the reconnection after a cut link and after a cancelled consumer, with nothing leaked.

    The link is cut by a proxy; the consumer is cancelled by the broker, because its queue was deleted. Each time a
    message published afterwards must be processed.
    """
    with proxy(parts.scope, parts.logs, kind="embedded") as between:
        link = between.open_link("leak", parts.node.upstream)
        bench.env["RABBITMQ_URL"] = bench.queue.amqp_url(host=link.host, port=link.port)

        def lose_and_find_again(number: int) -> None:
            if number % 2:
                bench.delete_queue()
            else:
                link.set_enabled(False)
                link.set_enabled(True)
            wait_for("the consumer again", bench.is_consumed, timeout_s=LIMIT_S, alive=worker.death)
            bench.publish(conversation(f"c-{number}"))
            bench.wait_for_stats(processed=number + 1)

        with bench.worker("--preset", "fixed") as worker:
            process = psutil.Process(worker.pid)
            for number in range(4):
                lose_and_find_again(number)
            before = (process.num_threads(), process.num_fds(), process.memory_info().rss)
            for number in range(4, 24):
                lose_and_find_again(number)
            after = (process.num_threads(), process.num_fds(), process.memory_info().rss)
            link.heal()
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 4 * 2**20


def test_sigterm_lets_the_work_in_hand_finish(bench: Bench) -> None:
    """Guarantees a complete drain: the call in flight is finished and acknowledged, then exit 0."""
    bench.mem0.put_rules([], {"mode": "answer", "latency": {"seconds": 2.0}})
    bench.env.update(MEMORY_API_TIMEOUT_SECONDS="30", SHUTDOWN_GRACE_SECONDS="30")
    bench.seed("c-0")
    with bench.worker("--preset", "fixed") as worker:
        bench.publish(conversation("c-0"))
        bench.wait_for_stats(in_flight=1)
        worker.signal(signal.SIGTERM)
        assert worker.wait(LIMIT_S) == 0
    assert bench.rows() == {"c-0": PROCESSED}
    assert bench.stats()["acked"] == 1


@pytest.mark.parametrize("preset", ["incident", "fixed"])
def test_sigterm_gives_back_what_does_not_finish_in_time(bench: Bench, preset: str) -> None:
    """Guarantees an end after the grace, exit 1, and that the broker has the messages again."""
    bench.mem0.put_rules([], HANG)
    bench.env.update(MEMORY_API_TIMEOUT_SECONDS="300", SHUTDOWN_GRACE_SECONDS="0.5")
    bench.publish(*(conversation(f"c-{number}") for number in range(15)))
    with bench.worker("--preset", preset) as worker:
        bench.wait_for_stats(in_flight=10)
        worker.signal(signal.SIGTERM)
        assert worker.wait(LIMIT_S) == 1
    wait_for("all fifteen in the queue", lambda: bench.queue.counts().work.ready == 15, timeout_s=LIMIT_S)


@pytest.mark.parametrize(
    ("env", "arguments", "said"),
    [
        ({"MAX_WORKERS": "none"}, ("--preset", "fixed"), "MAX_WORKERS"),
        ({}, ("--preset", "tea"), "'tea'"),
        ({}, ("run", "--without", "tea"), "'tea'"),
        ({"DATABASE_URL": "no-database"}, ("migrate",), "DATABASE_URL"),
        ({}, ("retry", "--now", "noon"), "--now"),
    ],
)
def test_bad_configuration_ends_with_2_and_names_the_culprit(
    bench: Bench, env: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    """Guarantees that a mistake is told from a failure, before anything is consumed."""
    bench.env.update(env)
    with bench.child("mistaken", arguments) as child:
        assert child.wait(LIMIT_S) == 2
        assert said in child.tail()
