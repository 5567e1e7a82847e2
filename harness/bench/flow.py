"""A burst that is published and drained at once: what the broker and bare clients need for it on these cores.

``burst_to_kill`` compares with it, because an incident's burst is not lying in the queue when it begins: the cores that
drain it publish it at the same time. Publishers are the harness's own, as in the incident; the consumer is bare pika.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.bench import raw_pika
from harness.bench.environment import SEED
from harness.environment.broker.work_queue import work_queue
from harness.load.driver import START_LEAD_S, Load
from harness.load.plan import Plan
from harness.waiting import pause_until

if TYPE_CHECKING:
    from harness.bench.environment import BenchEnvironment
    from harness.environment.broker.broker import Broker
    from harness.load.schedule import Arrival
    from harness.protocols.payload import PayloadSizes

_STOP_S = 120.0  # eight seconds on an idle machine


def published_and_drained(
    environment: BenchEnvironment,
    node: Broker,
    arrivals: tuple[Arrival, ...],
    sizes: PayloadSizes,
    publishers: int,
    name: str,
) -> raw_pika.Transfer:
    """Return what it took from the first arrival's time until the last message was drained.

    Raises WaitTimeoutError when they do not all come, PartFailedError when a part broke.
    """
    with work_queue(node, f"{environment.scope.run_id}-{name}", "bench") as queue:
        plan = Plan(
            amqp_url=queue.amqp_url(),
            queue=queue.name,
            journal_path=environment.folder / f"{name}.jsonl",
            start_mono_s=time.monotonic() + START_LEAD_S,
            stop_s=_STOP_S,
            seed=SEED,
            sizes=sizes,
            arrivals=arrivals,
            publishers=publishers,
        )
        plan_path, log_file = environment.scope.tmp / f"{name}.json", environment.logs / f"{name}.log"
        with Load(plan, plan_path=plan_path, log_file=log_file, env=environment.scope.environment()):
            pause_until(plan.start_mono_s)
            return raw_pika.drain(queue.amqp_url(), queue.name, len(arrivals))
