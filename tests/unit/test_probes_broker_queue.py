"""The queue probe: what the broker says goes into the series, its silence leaves a gap, a consumer is told once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.environment.broker.management_api import Channel, Consumer, QueueCounts
from harness.environment.broker.work_queue import NamespaceCounts
from harness.environment.supervisor import RunningIncarnation
from harness.errors import PartFailedError, RunDirectoryError
from harness.probes import broker_queue
from harness.probes.broker_queue import watching_queue
from harness.record import QueueKind
from harness.store import RunFolder, TrialFolder
from harness.waiting import wait_for

TIMEOUT_S = 10.0


class FakeQueue:
    """A queue whose broker answers, is silent, and gets new consumers as the test wants. It is its own broker's API."""

    vhost = "run-fixed"

    def __init__(self) -> None:
        self.looked = 0
        self.is_silent = False
        self.seen: list[Consumer] = []
        self.of_channel: dict[str, int] = {}

    @property
    def broker(self) -> Any:
        """Return an object whose ``api`` is this fake."""
        return SimpleNamespace(api=self)

    def counts(self) -> NamespaceCounts:
        """Return counts that say how often they were read, and three messages in a waiting room."""
        self.looked += 1
        if self.is_silent:
            raise PartFailedError("RabbitMQ's management API: timed out")
        work = QueueCounts(self.looked, 10, 3, 2, consumers=len(self.seen), message_bytes=0, delivered=9)
        return NamespaceCounts(work, ((QueueKind.WAITING, replace(work, ready=3, unacked=0)),))

    def consumers(self) -> tuple[Consumer, ...]:
        """Return the consumers."""
        return tuple(self.seen)

    def channels(self, *, vhost: str) -> tuple[Channel, ...]:
        """Return each consumer's channel, with the prefetch that the test gave the channel."""
        assert vhost == self.vhost
        return tuple(
            Channel(each.channel, each.connection, self.of_channel.get(each.channel, 0), 0) for each in self.seen
        )

    def heartbeats_s(self, *, vhost: str) -> dict[str, float]:
        """Return a minute for every connection."""
        assert vhost == self.vhost
        return {each.connection: 60.0 for each in self.seen}

    def consumes(self, prefetch: int, tag: str = "ctag1", port: int = 40_000, *, ack: bool = True) -> None:
        """Let one more worker consume, on the first channel of the connection from ``port``."""
        connection = f"127.0.0.1:{port} -> broker"
        self.seen.append(Consumer(tag, prefetch, ack, connection, f"{connection} (1)"))


class FakeSupervisor:
    """A supervisor whose current incarnation the test sets."""

    current: RunningIncarnation | None = None


class Bench:
    """The probe with its fakes, and what it wrote."""

    def __init__(self, folder: TrialFolder) -> None:
        self.folder = folder
        self.queue = FakeQueue()
        self.supervisor = FakeSupervisor()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Run the probe."""
        with watching_queue(cast("Any", self.queue), cast("Any", self.supervisor), self.folder):
            yield

    def looks(self, more: int) -> None:
        """Wait for so many further looks."""
        wanted = self.queue.looked + more
        wait_for(f"look {wanted}", lambda: self.queue.looked >= wanted, timeout_s=TIMEOUT_S, interval_s=0.001)

    def rows(self) -> list[str]:
        """Return the rows of the series without header and time."""
        lines = (self.folder.path / "queue.csv").read_text(encoding="utf-8").splitlines()
        assert lines[0] == "mono_s,ready,unacked,redelivered,acked,delivered,waiting_elsewhere"
        return [line.partition(",")[2] for line in lines[1:]]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one kind."""
        path = self.folder.path / "events.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [event for event in map(json.loads, lines) if event["kind"] == kind]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A quick probe."""
    monkeypatch.setattr(broker_queue, "INTERVAL_S", 0.002)
    return Bench(RunFolder(tmp_path, "now").trial("incident", "before"))


def test_every_look_is_a_row(bench: Bench) -> None:
    """Guarantees the counts in their order, those of the other queues last."""
    with bench.watched():
        bench.looks(3)

    assert bench.rows()[:3] == ["1,10,3,2,9,3", "2,10,3,2,9,3", "3,10,3,2,9,3"]


def held(bench: Bench) -> list[tuple[int, int, int]]:
    """Return (consumers, prefetch of each, prefetch of the channel) of every ``channel_seen``."""
    names = ("consumers", "prefetch_per_consumer", "prefetch_of_channel")
    return [tuple(event[name] for name in names) for event in bench.events("channel_seen")]


def test_each_channel_is_recorded_once_with_the_prefetch_in_force(bench: Bench) -> None:
    """Guarantees one event for each channel that consumes, with its incarnation, and one for each connection."""
    bench.supervisor.current = RunningIncarnation(0, 4000, memory_limit=cast("Any", None))
    bench.queue.consumes(0)
    with bench.watched():
        bench.looks(3)
        bench.supervisor.current = None
        bench.queue.consumes(10, tag="ctag2", port=40_001)
        bench.looks(3)

    assert held(bench) == [(1, 0, 0), (1, 10, 0)]
    assert [event["incarnation"] for event in bench.events("channel_seen")] == [0, None]
    assert [event["heartbeat_s"] for event in bench.events("connection_seen")] == [60.0, 60.0]


def test_a_worker_that_uses_the_same_tag_in_every_incarnation_is_recorded_every_time(bench: Bench) -> None:
    """Guarantees a prefetch for each incarnation, also of a worker that names its consumer itself."""
    bench.queue.consumes(10, tag="worker", port=40_000)
    with bench.watched():
        bench.looks(2)
        bench.queue.seen.clear()
        bench.queue.consumes(0, tag="worker", port=40_007)
        bench.looks(2)

    assert held(bench) == [(1, 10, 0), (1, 0, 0)]


def test_a_channel_whose_window_widens_or_that_gets_a_consumer_more_is_recorded_again(bench: Bench) -> None:
    """Guarantees that a prefetch which changes while a worker consumes is not read once and believed for ever."""
    bench.queue.consumes(0)
    channel = bench.queue.seen[0].channel
    bench.queue.of_channel[channel] = 10
    with bench.watched():
        bench.looks(3)
        bench.queue.of_channel[channel] = 11
        bench.looks(3)
        bench.queue.consumes(5, tag="ctag2")
        bench.looks(3)

    assert held(bench) == [(1, 0, 10), (1, 0, 11), (2, 0, 11)]


def test_a_consumer_that_never_acknowledges_is_told_apart(bench: Bench) -> None:
    """Guarantees that auto-ack shows: no prefetch holds it."""
    bench.queue.consumes(10, ack=False)
    with bench.watched():
        bench.looks(2)

    assert [event["auto_ack"] for event in bench.events("channel_seen")] == [True]


def test_a_silent_broker_leaves_a_gap_and_is_told_once_when_it_lasts(bench: Bench) -> None:
    """Guarantees that a trial goes on through a broker's restart, and says that its series has a hole."""
    with bench.watched():
        bench.looks(2)
        bench.queue.is_silent = True
        bench.looks(50)
        bench.queue.is_silent = False
        bench.looks(2)

    (blind,) = bench.events("queue_probe_blind")
    assert blind["why"] == "RabbitMQ's management API: timed out"
    numbers = [int(row.partition(",")[0]) for row in bench.rows()]
    assert max(later - earlier for earlier, later in pairwise(numbers)) >= 50


def test_a_short_silence_is_not_worth_an_event(bench: Bench) -> None:
    """Guarantees that a hiccup of the API is no news: failures count in a row only."""
    with bench.watched():
        for _ in range(5):
            bench.queue.is_silent = True
            bench.looks(5)
            bench.queue.is_silent = False
            bench.looks(3)

    assert bench.events("queue_probe_blind") == []


def test_a_full_disk_is_an_error(bench: Bench) -> None:
    """Guarantees that a series which can't be written is not missed in silence."""
    (bench.folder.path / "queue.csv").symlink_to("/dev/full")

    with pytest.raises(RunDirectoryError, match="No space left on device"), bench.watched():
        pass
