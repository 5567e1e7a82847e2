"""The queue probe: what the broker says goes into the series, its silence leaves a gap, a consumer is told once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from harness.environment.broker.management_api import Consumer, QueueCounts
from harness.environment.supervisor import RunningIncarnation
from harness.environment.waiting import wait_for
from harness.errors import PartFailedError, RunDirectoryError
from harness.probes import broker_queue
from harness.probes.broker_queue import watching_queue
from harness.store import RunFolder, TrialFolder

TIMEOUT_S = 10.0


class FakeQueue:
    """A queue whose broker answers, is silent, and gets new consumers as the test wants."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_silent = False
        self.seen: list[Consumer] = []

    def figures(self) -> QueueCounts:
        """Return figures that count how often they were asked for."""
        self.asked += 1
        if self.is_silent:
            raise PartFailedError("RabbitMQ's management API: timed out")
        return QueueCounts(self.asked, 10, 3, 2, consumers=len(self.seen), message_bytes=0)

    def consumers(self) -> tuple[Consumer, ...]:
        """Return the consumers."""
        return tuple(self.seen)

    def consumes(self, prefetch: int, tag: str = "ctag1", port: int = 40_000) -> None:
        """Let one more worker consume."""
        self.seen.append(Consumer(tag, prefetch, ack_required=True, connection=f"127.0.0.1:{port} -> broker"))


class FakeKubelet:
    """A supervisor whose current incarnation the test sets."""

    current: RunningIncarnation | None = None


class Bench:
    """The probe with its fakes, and what it wrote."""

    def __init__(self, folder: TrialFolder) -> None:
        self.folder = folder
        self.queue = FakeQueue()
        self.supervisor = FakeKubelet()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Run the probe."""
        with watching_queue(cast("Any", self.queue), cast("Any", self.supervisor), self.folder):
            yield

    def looks(self, more: int) -> None:
        """Wait for so many further looks."""
        wanted = self.queue.asked + more
        wait_for(f"look {wanted}", lambda: self.queue.asked >= wanted, timeout_s=TIMEOUT_S, interval_s=0.001)

    def rows(self) -> list[str]:
        """Return the rows of the series without header and time."""
        lines = (self.folder.path / "queue.csv").read_text(encoding="utf-8").splitlines()
        assert lines[0] == "mono_s,ready,unacked,redelivered,acked"
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
    """Guarantees the four counts in their order."""
    with bench.watched():
        bench.looks(3)

    assert bench.rows()[:3] == ["1,10,3,2", "2,10,3,2", "3,10,3,2"]


def test_each_consumer_is_told_once_with_the_prefetch_in_force(bench: Bench) -> None:
    """Guarantees one event for each consumer, with the incarnation that it belongs to."""
    bench.supervisor.current = RunningIncarnation(0, 4000, memory_limit=cast("Any", None))
    bench.queue.consumes(0)
    with bench.watched():
        bench.looks(3)
        bench.supervisor.current = None
        bench.queue.consumes(10, tag="ctag2", port=40_001)
        bench.looks(3)

    told = [(event["prefetch_count"], event["incarnation"]) for event in bench.events("consumer_seen")]
    assert told == [(0, 0), (10, None)]


def test_a_worker_that_uses_the_same_tag_in_every_incarnation_is_told_every_time(bench: Bench) -> None:
    """Guarantees a prefetch for each incarnation, also of a worker that names its consumer itself."""
    bench.queue.consumes(10, tag="worker", port=40_000)
    with bench.watched():
        bench.looks(2)
        bench.queue.seen.clear()
        bench.queue.consumes(0, tag="worker", port=40_007)
        bench.looks(2)

    assert [event["prefetch_count"] for event in bench.events("consumer_seen")] == [10, 0]


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
