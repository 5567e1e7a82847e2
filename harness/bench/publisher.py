"""The publishers against pika alone: does Locust, with its journal and its schedule, keep up with the bare client?

The same bodies in the same order, as fast as they go, into the same kind of queue. It says nothing about arrival
times, which are the load's own tests' affair.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.bench import raw_pika
from harness.bench.environment import BODY_BYTES_MAX, BODY_BYTES_MIN, MEGABYTE, REPEATS, SEED
from harness.bench.figure import Aim, Figure, compared
from harness.environment.broker.broker import broker
from harness.environment.broker.work_queue import WorkQueue, work_queue
from harness.errors import PartFailedError
from harness.incidents import DEFAULT, incident, payload_of
from harness.load.driver import Load
from harness.load.payload import build_pool
from harness.load.plan import Plan
from harness.load.schedule import Arrival, ArrivalPhase, Burst, build_schedule
from harness.protocols.payload import PayloadSizes
from harness.store.publish_journal import read_publishes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.bench.environment import BenchEnvironment
    from harness.record import Publish

AIM = Aim("ratio", ">=", 0.9)
SIZES = PayloadSizes(BODY_BYTES_MIN, BODY_BYTES_MAX)
_PUBLISHERS = 4  # as the scenario has them
_LOAD_TIMEOUT_S = 90.0  # two seconds on an idle machine
_WARM_UP_MESSAGES = 30


def measure(environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Return MB/s of the publishers against raw pika with confirms, and without. Raises PartFailedError."""
    count = environment.amount(full=200, quick=40)
    arrivals, pool = burst_of(count), build_pool(payload_of(DEFAULT), SEED, SIZES)
    locust, confirmed, unconfirmed = [], [], []
    with broker(environment.scope, environment.logs) as node:
        with work_queue(node, f"{environment.scope.run_id}-warm-up", "bench") as queue:
            raw_pika.publish(queue.amqp_url(), queue.name, arrivals[:_WARM_UP_MESSAGES], pool, confirms=True)
        for repeat in range(REPEATS):
            environment.tell(f"publisher: repeat {repeat + 1} of {REPEATS}, 3 × {count} messages")
            # A virtual host for each: its messages go with it, and the next finds an empty disk and an empty node.
            with work_queue(node, f"{environment.scope.run_id}-locust-{repeat}", "bench") as queue:
                locust.append(_with_locust(environment, queue, arrivals, f"locust-{repeat}"))
            with work_queue(node, f"{environment.scope.run_id}-confirms-{repeat}", "bench") as queue:
                raw = raw_pika.publish(queue.amqp_url(), queue.name, arrivals, pool, confirms=True)
                confirmed.append(raw.bytes_per_s / MEGABYTE)
            with work_queue(node, f"{environment.scope.run_id}-plain-{repeat}", "bench") as queue:
                raw = raw_pika.publish(queue.amqp_url(), queue.name, arrivals, pool, confirms=False)
                raw_pika.wait_until_filled(queue, count)
                unconfirmed.append(raw.bytes_per_s / MEGABYTE)
    what = f"{count} messages, {_PUBLISHERS} publishers with confirms, RabbitMQ {node.versions.rabbitmq}"
    return (
        compared(
            "publishers", "MB/s", locust, confirmed, against="raw pika, 1 connection, confirms", aim=AIM, note=what
        ),
        compared("publishers", "MB/s", locust, unconfirmed, against="raw pika, 1 connection, no confirms", note=what),
    )


def burst_of(count: int) -> tuple[Arrival, ...]:
    """Return ``count`` arrivals that are all wanted at once."""
    return build_schedule(
        [ArrivalPhase("burst", 0.0, 1.0, Burst(count, 0.0))], seed=SEED, sizes=SIZES, id_prefix=incident().id_prefix
    )


def confirmed_bytes_per_s(publishes: Sequence[Publish]) -> float:
    """Return the rate from the first byte sent to the last confirm. Raises PartFailedError when one did not come."""
    ends_s = [publish.confirmed_s for publish in publishes if publish.confirmed_s is not None]
    if not publishes or len(ends_s) < len(publishes):
        errors = {publish.error for publish in publishes if publish.error}
        raise PartFailedError(
            f"{len(publishes) - len(ends_s)} of {len(publishes)} messages were not confirmed: {sorted(errors)}"
        )
    took_s = max(ends_s) - min(publish.sent_s for publish in publishes)
    return sum(publish.size_bytes for publish in publishes) / took_s


def _with_locust(environment: BenchEnvironment, queue: WorkQueue, arrivals: tuple[Arrival, ...], name: str) -> float:
    """Return MB/s of the publishers' process. Every arrival is due from the start, so it goes as fast as it can."""
    plan = Plan(
        amqp_url=queue.amqp_url(),
        queue=queue.name,
        journal_path=environment.folder / f"{name}.jsonl",
        start_mono_s=time.monotonic(),
        stop_s=_LOAD_TIMEOUT_S,
        seed=SEED,
        sizes=SIZES,
        arrivals=arrivals,
        publishers=_PUBLISHERS,
    )
    plan_path = environment.scope.tmp / f"{name}.json"
    with Load(
        plan, plan_path=plan_path, log_file=environment.logs / f"{name}.log", env=environment.scope.environment()
    ) as load:
        load.wait(_LOAD_TIMEOUT_S)
    publishes = read_publishes(plan.journal_path, plan.start_mono_s)
    if len(publishes) != len(arrivals):
        raise PartFailedError(f"the publishers attempted {len(publishes)} of {len(arrivals)} messages")
    return confirmed_bytes_per_s(publishes) / MEGABYTE
