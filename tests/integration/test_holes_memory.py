"""Holes 2, 3, 4 and 15 of the report's fix: what messages of 3 MB cost the worker, measured on its process.

``postmortem`` is run with the prefetch in force where that would hide the hole in question behind hole 1.
"""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environment.process import Child
from harness.probes.memory import resident_bytes
from harness.waiting import wait_for
from tests.hole_bench import FIXED, POSTMORTEM, HoleParts, falls_in_or_not, running
from tests.worker_bench import ANSWER, FAIL_AT_ONCE, HANG, LIMIT_S, Bench, bench_parts, conversation

pytestmark = pytest.mark.integration

MIB = 2**20
BODY = conversation("c-000", rows=1000, row_length=1000)
BODIES = 60
BUDGET_MIB = 150
TEN_BODIES_MIB = 10 * len(BODY) / MIB
WITH_PREFETCH = {POSTMORTEM: (POSTMORTEM, "--with", "prefetch_in_force"), FIXED: (FIXED,)}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HoleParts]:
    """The broker, the memory API and the database of this module."""
    with bench_parts(tmp_path_factory.mktemp("memory"), "holes-memory") as started:
        yield HoleParts(started)


@pytest.fixture
def bench(parts: HoleParts, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A queue with 60 messages of 3 MB, and a memory API that hangs."""
    with parts.ground(request.node.name, tmp_path) as ready:
        ready.mem0.put_rules([], HANG)
        ready.env.update(MEMORY_API_TIMEOUT_SECONDS="60", SHUTDOWN_GRACE_SECONDS="1")
        ready.publish(*(BODY.replace(b"c-000", f"c-{number:03d}".encode(), 1) for number in range(BODIES)))
        yield ready


def hang_ten_calls(bench: Bench, worker: Child) -> None:
    """Wait until ten calls hang and the worker takes no more."""
    wait_for("ten calls", lambda: bench.mem0.stats()["hung"] == 10, timeout_s=LIMIT_S, alive=worker.death)
    seen: list[int] = []

    def settled() -> bool:
        seen.append(bench.stats()["delivered"])
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    wait_for("the deliveries to stop", settled, timeout_s=LIMIT_S, interval_s=0.2)


def memory_mib(worker: Child) -> tuple[float, float]:
    """Return the worker's resident set and its high-water mark, interpreter included."""
    found = resident_bytes(worker.pid)
    assert found is not None
    return found[0] / MIB, found[1] / MIB


@falls_in_or_not
def test_hole_2_a_waiting_message_costs_its_whole_body(bench: Bench, preset: str) -> None:
    """Shows 50 waiting messages at 3 MB each, where the report has both 3 MB and 280 bytes; in ``fixed`` none waits."""
    with bench.child("worker", ("--preset", preset)) as worker:
        hang_ten_calls(bench, worker)
        resident, _ = memory_mib(worker)
        waiting = bench.stats()["executor_queue"]
        worker.kill()
    if preset == POSTMORTEM:
        assert waiting == BODIES - 10
        assert resident > waiting * len(BODY) / MIB + TEN_BODIES_MIB
    else:
        assert waiting == 0
        assert resident < BUDGET_MIB


@falls_in_or_not
def test_hole_3_a_failed_message_is_kept_alive_across_its_back_off(bench: Bench, preset: str) -> None:
    """Shows ten failed messages with every copy while no call is open; guarantees that ``fixed`` keeps none."""
    bench.mem0.put_rules([], FAIL_AT_ONCE)
    bench.env["REQUEUE_BACKOFF_SECONDS"] = "60"
    with bench.child("worker", ("--preset", *WITH_PREFETCH[preset])) as worker:
        calls = 10 if preset == POSTMORTEM else BODIES
        wait_for("the failures", lambda: sum(bench.calls().values()) == calls, timeout_s=LIMIT_S, alive=worker.death)
        if preset == FIXED:
            bench.wait_for_stats(failed=BODIES)
        resident, peak = memory_mib(worker)
        worker.kill()
    if preset == POSTMORTEM:
        assert resident > BUDGET_MIB
    else:
        assert peak < BUDGET_MIB


@falls_in_or_not
def test_hole_4_the_context_manager_frees_nothing_during_the_call(bench: Bench, preset: str) -> None:
    """Shows several copies of each message in ten hung calls; guarantees one, within 150 MiB, interpreter included."""
    with bench.child("worker", ("--preset", *WITH_PREFETCH[preset])) as worker:
        hang_ten_calls(bench, worker)
        _, peak = memory_mib(worker)
        worker.kill()
    if preset == POSTMORTEM:
        assert peak > BUDGET_MIB + TEN_BODIES_MIB
    else:
        assert peak < BUDGET_MIB


def test_the_fixed_worker_stays_within_150_mib_while_it_records_its_timeouts(bench: Bench) -> None:
    """Guarantees the budget for the whole life of a failure.

    Hung, timed out, compressed, stored, acknowledged.
    """
    bench.env["MEMORY_API_TIMEOUT_SECONDS"] = "1"
    with bench.child("worker", ("--preset", FIXED)) as worker:
        bench.wait_for_stats(failed=BODIES)
        _, peak = memory_mib(worker)
        worker.kill()
    assert {code for _, code in bench.rows().values()} == {"MEMORY_API_TIMEOUT"}
    assert peak < BUDGET_MIB


@falls_in_or_not
def test_hole_15_a_full_collection_for_each_message(bench: Bench, preset: str) -> None:
    """Shows a collection of the oldest generation after every message; ``fixed`` asks for none.

    One thread works: of two collections that are asked for at once, CPython makes one.
    """
    bench.mem0.put_rules([], ANSWER)
    bench.env["MAX_WORKERS"] = "1"
    gc.collect()
    before = gc.get_stats()[2]["collections"]
    with running(bench, preset):
        bench.wait_for_stats(processed=20)
        collections = gc.get_stats()[2]["collections"] - before
    assert (collections >= 20) is (preset == POSTMORTEM)
