"""What messages of 3 MB cost the worker, measured on its process: the mechanisms of the incident, and the fix."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.rig.waiting import wait_for
from tests.worker_bench import HANG, LIMIT_S, Bench, bench_for, bench_parts, conversation

pytestmark = pytest.mark.integration

MIB = 2**20
BODY = conversation("c-000", rows=1000, row_length=1000)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The broker and the memory API of this module."""
    with bench_parts(tmp_path_factory.mktemp("memory"), "worker-memory") as started:
        yield started


@pytest.fixture
def bench(parts: Any, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A queue with 60 messages of 3 MB, and a memory API that hangs."""
    with bench_for(parts, request.node.name, tmp_path) as ready:
        ready.mem0.put_rules([], HANG)
        ready.env.update(MEMORY_API_TIMEOUT_SECONDS="60", SHUTDOWN_GRACE_SECONDS="1")
        ids = [f"c-{number:03d}" for number in range(60)]
        ready.seed(*ids)
        ready.publish(*(BODY.replace(b"c-000", each.encode(), 1) for each in ids))
        yield ready


def resident_mib(bench: Bench, *options: str) -> float:
    """Return the worker's resident set, in MiB, when ten calls hang and it takes no more."""
    with bench.child("worker", options) as worker:
        wait_for("ten calls", lambda: bench.mem0.stats()["hung"] == 10, timeout_s=LIMIT_S, alive=worker.death)
        seen: list[int] = []

        def settled() -> bool:
            seen.append(bench.stats()["delivered"])
            return len(seen) > 10 and len(set(seen[-10:])) == 1

        wait_for("the deliveries to stop", settled, timeout_s=LIMIT_S, interval_s=0.2)
        rss_bytes: int = psutil.Process(worker.pid).memory_info().rss
        worker.kill()
    return rss_bytes / MIB


def test_ten_hung_calls_of_the_hardened_worker_stay_within_their_budget(bench: Bench) -> None:
    """Guarantees one copy a message: 3 MB × 10 and the interpreter, well below what the original needs."""
    assert resident_mib(bench, "--preset", "fixed") < 175


def test_the_original_holds_several_copies_of_each_of_ten_messages(bench: Bench) -> None:
    """Shows what the clean-up remedy is worth, by the worker without it and without any other fault."""
    assert 200 < resident_mib(bench, "--preset", "incident", "--mechanism", "M0") < 450


def test_without_the_prefetch_in_force_the_backlog_is_in_the_worker(bench: Bench) -> None:
    """Shows M1: each of the 50 messages that no thread works on costs its 3 MB."""
    assert resident_mib(bench, "--preset", "incident", "--mechanism", "M1") > 200 + 50 * len(BODY) / MIB
