"""The fake dependency: how fast it takes 3 MB requests, and how small it stays while a thousand of them hang.

A fake that is slower than the worker would be the bottleneck of every trial, and one that keeps the bodies of hung
requests would compete with the worker for the machine's memory. The real process, started as a trial starts it.
"""

from __future__ import annotations

import asyncio
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.bench.byte_stream import sink, stream_s
from harness.bench.environment import MEGABYTE, REPEATS, SEED
from harness.bench.figure import Aim, Figure, alone, compared
from harness.bench.raw_http import Hanging, Target, post_all_s
from harness.environment.dependency import Dependency, running_dependency
from harness.errors import MissingPartError, PartFailedError
from harness.incidents import incident
from harness.probes.memory import resident_bytes
from harness.record import MIB
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.bench.environment import BenchEnvironment

AIM_HUNG = Aim("value", "<", 200.0)
_TEXT_BYTES = 3_000_000
_CONNECTIONS = 4
_SENDERS = 16  # at a time; all stay connected
_WARM_UP_REQUESTS = 8
_SPARE_FILES = 256  # what the harness has open besides the connections
_HUNG_TIMEOUT_S = 60.0  # the last bodies are read within a second of their sending


def measure(environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Return requests/s, MB/s against a bare byte stream, and MiB with many requests hung. Raises HarnessError."""
    requests = environment.amount(full=200, quick=40)
    size_bytes = requests * _TEXT_BYTES
    took_s, stream_rates = [], []
    with (
        sink() as direct,
        running_dependency(
            environment.scope, environment.logs, seed=SEED, journal=environment.folder / "calls.jsonl"
        ) as dependency,
    ):
        dependency.put_rules([], default={"mode": "answer", "latency": {"seconds": 0.0}})
        target = Target(dependency.port, dependency.path, _TEXT_BYTES, incident().id_key)
        asyncio.run(post_all_s(target, _WARM_UP_REQUESTS, _CONNECTIONS))
        for repeat in range(REPEATS):
            environment.tell(f"dependency: repeat {repeat + 1} of {REPEATS}, {requests} requests")
            took_s.append(asyncio.run(post_all_s(target, requests, _CONNECTIONS)))
            stream_rates.append(size_bytes / stream_s(direct, size_bytes) / MEGABYTE)
        hung = _hung(environment, dependency, target)
    rates = [size_bytes / each_s / MEGABYTE for each_s in took_s]
    what = f"{requests} bodies of 3 MB, {_CONNECTIONS} connections"
    return (
        alone("requests", "requests/s", [requests / each_s for each_s in took_s], note=what),
        compared("bodies", "MB/s", rates, stream_rates, against="direct loopback", note=what),
        hung,
    )


def _hung(environment: BenchEnvironment, dependency: Dependency, target: Target) -> Figure:
    """Return the resident set once all requests hang. One look: the figure is a level, not a speed."""
    requests = environment.amount(full=1000, quick=100)
    environment.tell(f"dependency: {requests} requests of 3 MB hang")
    before, _ = _resident(dependency)
    dependency.put_rules([], default={"mode": "hang_forever"})
    with _files_for(requests):
        resident, mark = asyncio.run(_while_hanging(dependency, target, requests))
    dependency.release()
    return compared(
        f"{requests} × 3 MB hung",
        "MiB resident",
        [resident / MIB],
        [before / MIB],
        against="before",
        aim=AIM_HUNG,
        note=f"high-water mark {mark / MIB:.0f} MiB",
    )


async def _while_hanging(dependency: Dependency, target: Target, requests: int) -> tuple[int, int]:
    async with Hanging(target, requests, _SENDERS):
        await asyncio.to_thread(
            wait_for,
            f"{requests} requests to hang",
            lambda: dependency.stats()["hung"] == requests,
            timeout_s=_HUNG_TIMEOUT_S,
        )
        return _resident(dependency)


def _resident(dependency: Dependency) -> tuple[int, int]:
    found = resident_bytes(dependency.pid)
    if found is None:
        raise PartFailedError(f"the dependency (pid {dependency.pid}) has ended")
    return found


@contextmanager
def _files_for(connections: int) -> Iterator[None]:
    """Let this process open so many connections, and restore its limit. Raises MissingPartError where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise MissingPartError(
            f"{connections} connections need {needed} open files, and at most {hard} are allowed; raise `ulimit -Hn`"
        )
    raised = soft if soft == resource.RLIM_INFINITY else max(soft, needed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
