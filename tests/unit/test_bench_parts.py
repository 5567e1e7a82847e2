"""What the benchmarks are made of: the byte stream, the raw HTTP client, and the arithmetic over records."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from harness.bench import raw_http
from harness.bench.burst_to_kill import Delivered, delivered_until_kill, scenario_until_the_kill
from harness.bench.byte_stream import sink, stream_s
from harness.bench.other_work import CpuClocks, cpu_clocks, others_share
from harness.bench.publisher import burst_of, confirmed_bytes_per_s
from harness.bench.raw_http import Hanging, Target, post_all_s
from harness.bench.sampler import core_shares
from harness.environment.ports import free_port
from harness.errors import PartFailedError
from harness.incidents.pika_mem0 import collector_price
from harness.record import EndedBy, Incarnation, PhaseSpan, Publish, Role, TrialRecord, WorkerGauge

EXTRACT_FACTS = "/extract_facts"


def gauge(t_s: float, queued: int, *, finished: int = 0) -> WorkerGauge:
    """Return a gauge of ten busy threads, so many waiting bodies and so many finished ones."""
    return WorkerGauge(t_s, queued, 10, finished, 0, 0)


def published(size_bytes: int, *, sent_s: float = 0.0, confirmed_s: float | None = 1.0) -> Publish:
    """Return one attempt."""
    return Publish("conv", 0.0, sent_s, confirmed_s, size_bytes, None if confirmed_s else "blocked")


KILLED = TrialRecord(
    arm="incident",
    role=Role.BEFORE,
    limit=None,
    phases=(PhaseSpan("climb", 0.0, 20.0, 0, 1, 1), PhaseSpan("burst", 20.0, 40.0, 1, 2, 1)),
    incarnations=(Incarnation(0, 1, -5.0, 30.0, 137, 1, 3_145_728_000, None, EndedBy.KERNEL),),
    gauges=(gauge(10.0, 0), gauge(19.9, 40, finished=20), gauge(29.9, 900, finished=20), gauge(31.0, 0)),
    publishes=(published(2_900_000), published(3_100_000)),
)


def test_what_was_delivered_between_burst_and_kill_is_counted() -> None:
    """Guarantees that what the worker held before the burst, and what a later incarnation says, is left out."""
    assert delivered_until_kill(KILLED, 10.0, scenario_until_the_kill()) == Delivered(860, 3_000_000)


@pytest.mark.parametrize("gone", ["gauges", "publishes"])
def test_a_worker_that_does_not_say_what_it_was_given_has_no_floor(gone: str) -> None:
    """Guarantees that a missing record becomes a figure without a value, not a made-up one."""
    record = replace(KILLED, gauges=()) if gone == "gauges" else replace(KILLED, publishes=())

    assert delivered_until_kill(record, 10.0, scenario_until_the_kill()) is None


def test_the_incident_is_played_up_to_the_last_message_of_its_burst() -> None:
    """Guarantees one arm, no restart, whole messages, and a timeline that is as written up to the burst."""
    scenario = scenario_until_the_kill()

    assert list(scenario.arms) == ["incident"]
    assert scenario.restarts.limit == 0
    assert scenario.messages.size_min == 2_900_000
    assert [phase.phase for phase in scenario.timeline] == ["healthy", "degraded", "stalled", "climb", "burst"]


def test_the_trimmed_scenario_can_be_stored_and_read_again() -> None:
    """Guarantees that a recorded benchmark can be judged and reported like any run."""
    scenario = scenario_until_the_kill()

    assert type(scenario).model_validate_json(scenario.model_dump_json(by_alias=True)) == scenario


def test_the_burst_of_the_publishers_is_due_at_once_and_repeatable() -> None:
    """Guarantees that Locust and raw pika are given the same bodies, with nothing to wait for."""
    assert burst_of(40) == burst_of(40)
    assert {arrival.intended_s for arrival in burst_of(40)} == {0.0}


def test_the_publishers_rate_runs_from_the_first_byte_to_the_last_confirm() -> None:
    """Guarantees that starting and stopping the publishers is not part of their rate."""
    attempts = [published(100, sent_s=5.0, confirmed_s=6.0), published(300, sent_s=5.5, confirmed_s=7.0)]

    assert confirmed_bytes_per_s(attempts) == 200.0


def test_an_unconfirmed_message_breaks_the_publishers_benchmark() -> None:
    """Guarantees that a rate is never that of messages which may not have arrived."""
    with pytest.raises(PartFailedError, match="1 of 2 messages were not confirmed: \\['blocked'\\]"):
        confirmed_bytes_per_s([published(1), published(1, confirmed_s=None)])


def test_the_probe_is_read_from_what_it_recorded_of_itself() -> None:
    """Guarantees that only the probe's own events count, one share for each sampling."""
    events = '{"kind": "worker_started"}\n{"kind": "memory_probe_ended", "samples": 99, "cpu_share": 0.004}\n' * 2

    assert core_shares(events, 5) == [0.004, 0.004]


def test_a_probe_that_hardly_sampled_gives_no_figure() -> None:
    """Guarantees that a starved probe is not taken for a cheap one."""
    with pytest.raises(PartFailedError, match="3 samples of 100 wanted"):
        core_shares('{"kind": "memory_probe_ended", "samples": 3, "cpu_share": 0.0}', 5)


def test_other_work_is_what_the_machine_did_and_we_did_not() -> None:
    """Guarantees a share of all cores; clocks that tick apart give neither less than none nor more than all."""
    start = CpuClocks(mono_s=0.0, machine_s=0.0, ours_s=0.0)

    assert others_share(start, CpuClocks(10.0, 15.0, 5.0), cores=2) == 0.5
    assert others_share(start, CpuClocks(10.0, 5.0, 5.1), cores=2) == 0.0
    assert others_share(start, CpuClocks(10.0, 30.0, 0.0), cores=2) == 1.0
    assert others_share(start, start, cores=2) == 0.0


def test_our_own_work_is_not_other_work() -> None:
    """Guarantees that what this process computes is counted as ours."""
    before = cpu_clocks()
    while (after := cpu_clocks()).ours_s - before.ours_s < 0.2:
        sum(range(100_000))

    assert after.ours_s - before.ours_s >= 0.2
    assert after.machine_s > before.machine_s


def test_the_byte_stream_takes_time_and_can_be_repeated() -> None:
    """Guarantees that a sink serves one stream after another, and ends with its context."""
    with sink() as address:
        took_s = [stream_s(address, 10_000_001) for _ in range(2)]

    assert all(each_s > 0 for each_s in took_s)
    with pytest.raises(PartFailedError, match="broke off"):
        stream_s(address, 1)


@contextmanager
def http_server(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Serve one connection at a time on a free port: read each request whole and send ``answer``; collect what came."""
    heads: list[bytes] = []

    def serve(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                while line := stream.readline():
                    head = line
                    while (field := stream.readline()) != b"\r\n":
                        head += field
                    length = int(head.lower().partition(b"content-length:")[2].split()[0])
                    heads.append(stream.read(length)[:40])
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], heads
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def test_the_raw_client_posts_every_request_once_over_a_kept_connection() -> None:
    """Guarantees whole requests with ids of their own, and that all answers were read when the clock stops."""
    with http_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (port, heads):
        took_s = asyncio.run(
            post_all_s(Target(port, EXTRACT_FACTS, 100_000, "conversation_id"), requests=3, connections=1)
        )

    assert took_s > 0
    assert heads == [f'{{"conversation_id": "bench-{n:06d}", "user_id'.encode()[:40] for n in range(3)]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
    ids=["an error", "an answer of no announced length"],
)
def test_anything_but_a_plain_200_breaks_the_measurement(answer: bytes) -> None:
    """Guarantees that requests per second are never those of refusals."""
    with http_server(answer) as (port, _), pytest.raises(PartFailedError, match="the dependency"):
        asyncio.run(post_all_s(Target(port, EXTRACT_FACTS, 1_000, "conversation_id"), requests=1, connections=1))


def test_a_server_that_is_not_there_breaks_the_measurement() -> None:
    """Guarantees that both ways of posting name what broke off."""
    target = Target(free_port(), EXTRACT_FACTS, 1_000, "conversation_id")

    async def hang() -> None:
        async with Hanging(target, 3, 2):
            pass

    with pytest.raises(PartFailedError, match="broke off"):
        asyncio.run(post_all_s(target, requests=1, connections=1))
    with pytest.raises(PartFailedError, match="broke off"):
        asyncio.run(hang())


def test_a_server_that_stops_reading_does_not_stop_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees a limit on posting, and on what hangs: a server that accepts and never reads is a broken part."""
    monkeypatch.setattr(raw_http, "_ALL_TIMEOUT_S", 0.2)

    async def hang(target: Target) -> None:
        async with Hanging(target, 3, 2):
            pass

    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target(silent.getsockname()[1], EXTRACT_FACTS, 30_000_000, "conversation_id")
        with pytest.raises(PartFailedError, match="TimeoutError"):
            asyncio.run(post_all_s(target, requests=2, connections=2))
        with pytest.raises(PartFailedError, match="TimeoutError"):
            asyncio.run(hang(target))


def test_the_collectors_rate_is_read_from_the_workers_gauges() -> None:
    """Guarantees that start-up is not counted, nor the time after the last message, nor a line half written.

    A worker that was through ten messages before its first gauge is rated by the others.
    """
    gauges = "".join(
        f'{{"mono_s": {mono_s}, "acked": {acked}}}\n' for mono_s, acked in ((1, 0), (5, 0), (6, 10), (7, 20), (9, 20))
    )

    assert collector_price.rate(gauges) == 10
    assert collector_price.rate("".join(gauges.splitlines(keepends=True)[2:])) == 10
    assert collector_price.finished(gauges + '{"mono_s": 10, "ack') == 20
    assert collector_price.finished("") == 0


def test_gauges_without_a_beginning_or_an_end_give_no_rate() -> None:
    """Guarantees that a worker that acknowledged nothing, or was seen too late, breaks the benchmark."""
    for gauges in ("", '{"mono_s": 1, "acked": 0}\n', '{"mono_s": 1, "acked": 3}\n'):
        with pytest.raises(PartFailedError, match="gauges do not show"):
            collector_price.rate(gauges)
