"""The price of a full garbage collection after each message: throughput and peak, with it and without.

The report's clean-up calls ``gc.collect()`` from ten threads and names no price (hole 15). Here the real worker drains
a queue of 3 MB messages from a memory API that answers at once: as the report has it and without its clean-up, and the
fixed worker as it is and with a collection after each message. It judges the worker, not the harness, so it has no aim.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from harness.bench import raw_pika
from harness.bench.environment import BODY_BYTES_MAX, BODY_BYTES_MIN, REPEATS, SEED
from harness.bench.figure import Figure, compared
from harness.environment.broker.broker import broker
from harness.environment.broker.work_queue import WorkQueue, work_queue
from harness.environment.dependency import Dependency, running_dependency
from harness.environment.process import Child
from harness.errors import PartFailedError
from harness.incidents.pika_mem0 import INCIDENT
from harness.incidents.pika_mem0.payload import PAYLOAD
from harness.incidents.pika_mem0.worker import MODULE
from harness.load.payload import build_pool
from harness.load.schedule import Arrival, ArrivalPhase, Burst, build_schedule
from harness.probes.memory import resident_bytes
from harness.protocols.payload import PayloadSizes
from harness.record import MIB
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.bench.environment import BenchEnvironment
    from harness.environment.broker.broker import Broker
    from harness.protocols.payload import Template

_DRAIN_TIMEOUT_S = 120.0  # a few seconds on an idle machine
_MIGRATE_TIMEOUT_S = 60.0
# The fixed worker has no collection to switch on, so one is put around its handling of a message, as the report's is.
_WITH_COLLECTION = """
import gc
from worker_under_test.message_handling import StreamedMessageHandler
process = StreamedMessageHandler.process
def collecting(handler, delivery):
    try:
        process(handler, delivery)
    finally:
        gc.collect()
StreamedMessageHandler.process = collecting
from worker_under_test.command_line import main
main()
"""
_COLLECTING = (sys.executable, "-c", _WITH_COLLECTION)
# The same prefetch for all, so that none takes the whole queue at once.
_POSTMORTEM = ("--preset", "postmortem", "--with", "prefetch_in_force")
_FIXED = ("--preset", "fixed")


@dataclass(frozen=True, slots=True)
class Drained:
    """What one worker made of one queue."""

    messages_per_s: float
    cpu_ms: float  # for each message, start-up included
    peak_mib: float


def measure(environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Return messages/s and peak of both workers, with a collection after each message against without."""
    count = environment.amount(full=150, quick=40)
    sizes = PayloadSizes(BODY_BYTES_MIN, BODY_BYTES_MAX)
    arrivals = build_schedule(
        [ArrivalPhase("collector", 0.0, 1.0, Burst(count, 0.0))], seed=SEED, sizes=sizes, id_prefix=INCIDENT.id_prefix
    )
    pool = build_pool(PAYLOAD, SEED, sizes)
    variants = {
        "postmortem": (*MODULE, *_POSTMORTEM),
        "postmortem without": (*MODULE, *_POSTMORTEM, "--without", "clean_up"),
        "fixed with": (*_COLLECTING, *_FIXED),
        "fixed": (*MODULE, *_FIXED),
    }
    drained: dict[str, list[Drained]] = {name: [] for name in variants}
    with (
        broker(environment.scope, environment.logs) as node,
        running_dependency(
            environment.scope, environment.logs, seed=SEED, journal=environment.folder / "calls.jsonl"
        ) as mem0,
    ):
        mem0.put_rules([], default={"mode": "answer", "latency": {"seconds": 0.0}})
        for repeat in range(environment.amount(full=REPEATS, quick=1)):
            for name, argv in variants.items():
                environment.tell(f"collector: repeat {repeat + 1}, {name}, {count} messages of 3 MB")
                drained[name].append(_drained(environment, node, mem0, arrivals, pool, f"{name}-{repeat}", argv))
    note = f"{count} messages, 10 threads, prefetch 10, the memory API answers at once"
    return (
        *_figures("postmortem, gc.collect()", drained["postmortem"], drained["postmortem without"], note),
        *_figures("fixed, gc.collect() added", drained["fixed with"], drained["fixed"], note),
    )


def _figures(name: str, with_: Sequence[Drained], without: Sequence[Drained], note: str) -> tuple[Figure, ...]:
    rates = [each.messages_per_s for each in with_], [each.messages_per_s for each in without]
    cpu_ms = [each.cpu_ms for each in with_], [each.cpu_ms for each in without]
    peaks = [each.peak_mib for each in with_], [each.peak_mib for each in without]
    against = "the same without"
    return (
        compared(name, "messages/s", *rates, against=against, note=note),
        compared(name, "ms CPU a message", *cpu_ms, against=against, note=f"{note}; start-up included"),
        compared(name, "MiB peak", *peaks, against=against, note=note),
    )


def _drained(
    environment: BenchEnvironment,
    node: Broker,
    mem0: Dependency,
    arrivals: Sequence[Arrival],
    pool: Sequence[Template],
    name: str,
    argv: Sequence[str],
) -> Drained:
    """Fill a queue, start a worker on it, and return how it went. Raises PartFailedError when it ended early."""
    name = name.replace(" ", "-")
    with work_queue(node, f"{environment.scope.run_id}-{name}", "bench") as queue:
        raw_pika.publish(queue.amqp_url(), queue.name, arrivals, pool, confirms=True)
        env = _environment(environment, queue, mem0, environment.folder / name)
        _migrate(environment, env, name)
        with Child(name, argv, env, environment.logs / f"{name}.log") as worker:
            stats = environment.folder / f"{name}.jsonl"
            wait_for(
                "the worker to drain its queue",
                lambda: stats.exists() and finished(stats.read_text(encoding="utf-8")) >= len(arrivals),
                timeout_s=_DRAIN_TIMEOUT_S,
                alive=worker.death,
            )
            cpu_ms, peak_mib = _cost(worker)
        return Drained(rate(stats.read_text(encoding="utf-8")), cpu_ms / len(arrivals), peak_mib)


def _cost(worker: Child) -> tuple[float, float]:
    """Return the CPU time and the peak of a worker that still runs. Raises PartFailedError when it does not."""
    try:
        cpu = psutil.Process(worker.pid).cpu_times()
    except psutil.NoSuchProcess as error:
        raise PartFailedError(f"the worker has ended: {worker.tail()}") from error
    found = resident_bytes(worker.pid)
    if found is None:
        raise PartFailedError(f"the worker has ended: {worker.tail()}")
    return 1000 * (cpu.user + cpu.system), found[1] / MIB


def _environment(environment: BenchEnvironment, queue: WorkQueue, mem0: Dependency, path: Path) -> Mapping[str, str]:
    return environment.scope.environment(
        RABBITMQ_URL=queue.amqp_url(),
        RABBITMQ_QUEUE=queue.name,
        MEMORY_API_URL=mem0.url,
        DATABASE_URL=f"sqlite:///{path}.db",
        WORKER_STATS_FILE=f"{path}.jsonl",
    )


def _migrate(environment: BenchEnvironment, env: Mapping[str, str], name: str) -> None:
    with Child("migrate", (*MODULE, "migrate"), env, environment.logs / f"{name}-migrate.log") as child:
        if child.wait(_MIGRATE_TIMEOUT_S) != 0:
            raise PartFailedError(f"the worker's migrate failed: {child.tail()}")


def finished(stats: str) -> int:
    """Return how many messages the worker had acknowledged, by the last whole line of its gauges."""
    lines = [line for line in stats.splitlines(keepends=True) if line.endswith("\n")]
    return int(json.loads(lines[-1])["acked"]) if lines else 0


def rate(stats: str) -> float:
    """Return messages/s from the last gauge before the first further acknowledgement to the first one with the last.

    A worker may be through its first messages before its first gauge; then the rate is that of the others.
    Raises PartFailedError when the gauges don't show it.
    """
    gauges = [json.loads(line) for line in stats.splitlines()]
    first, last = (gauges[0]["acked"], gauges[-1]["acked"]) if gauges else (0, 0)
    if first == last:
        raise PartFailedError("the worker's gauges do not show how long it took")
    began_s = max(gauge["mono_s"] for gauge in gauges if gauge["acked"] == first)
    ended_s = min(gauge["mono_s"] for gauge in gauges if gauge["acked"] == last)
    return float((last - first) / (ended_s - began_s))
