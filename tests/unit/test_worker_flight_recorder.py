"""The flight recorder: what it writes, what of it a SIGKILL leaves, and that being counted keeps nothing alive."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from worker_under_test import flight_recorder
from worker_under_test.flight_recorder import flight_recorded, stack_groups
from worker_under_test.live_objects import CountedPoster, LiveObjects
from worker_under_test.memory_in_use import MemoryInUse, cgroup_folder
from worker_under_test.outcomes import Delivery
from worker_under_test.worker_stats import WorkerStats

CHECKOUT = Path(__file__).resolve().parents[2]

# Holds two messages, blocks a thread, and says when its recorder has written stacks twice: then it may be killed.
_PATIENT = """
import os, pathlib, sys, threading
from worker_under_test.flight_recorder import flight_recorded
from worker_under_test.outcomes import Delivery
from worker_under_test.worker_stats import WorkerStats
stats, held = WorkerStats(), [Delivery(b"x" * 1000), Delivery(b"y" * 500)]
for each in held:
    stats.live.take(each)
def hang():
    threading.Event().wait()
threading.Thread(target=hang, name="hangs", daemon=True).start()
with flight_recorded(stats, sys.argv[1]):
    ring = pathlib.Path(sys.argv[1]) / f"{os.getpid()}-0.jsonl"
    while not ring.exists() or ring.read_text().count('"stacks"') < 2:
        threading.Event().wait(0.05)
    print("recorded", flush=True)
    hang()
"""


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """All lines of both files, in order of time."""
    lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return sorted(lines, key=lambda line: float(line["mono_s"]))


def test_a_sigkill_leaves_every_sample_that_was_taken(tmp_path: Path) -> None:
    """Guarantees the point of the recorder: memory, queue, bodies and stacks are on disk before the kill."""
    command = [sys.executable, "-c", _PATIENT, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"recorded\n"
        process.kill()
        assert process.wait(timeout=30) == -signal.SIGKILL

    lines = lines_of(tmp_path)
    samples = [line for line in lines if line["kind"] == "sample"]
    stacks = [line for line in lines if line["kind"] == "stacks"]
    assert (samples[-1]["bodies"], samples[-1]["bodies_bytes"]) == (2, 1500)
    assert samples[-1]["rss"] > samples[-1]["anon"] > 2**20
    assert samples[-1]["executor_queue"] == 0
    assert len(samples[-1]["gc_count"]) == 3
    hanging = [group for group in stacks[-1]["groups"] if "hangs" in group["threads"]]
    assert [frame.rpartition(" ")[2] for frame in hanging[0]["frames"]][:3] == ["wait", "wait", "hang"]
    assert not [line for line in lines if line["kind"] == "ended"]


def test_an_orderly_end_is_written_too(tmp_path: Path) -> None:
    """Guarantees that the last line tells an end that the worker saw coming from a kill."""
    with flight_recorded(WorkerStats(), str(tmp_path / "flight")):
        pass
    assert lines_of(tmp_path / "flight")[-1]["kind"] == "ended"


def test_the_ring_is_bounded_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees two files of a bounded size, however long the worker lives, and that the last line is in them."""
    monkeypatch.setattr(flight_recorder, "_FILE_BYTES_MAX", 200)
    with flight_recorder._Ring(tmp_path) as ring:
        for number in range(100):
            ring.write({"kind": "sample", "mono_s": number})
    numbers = [line["mono_s"] for line in lines_of(tmp_path)]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * 300
    assert numbers == list(range(numbers[0], 100))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_written_does_not_disturb_the_worker(tmp_path: Path) -> None:
    """Guarantees that the work goes on without its recorder."""
    (tmp_path / "file").write_text("in the way")
    with flight_recorded(WorkerStats(), str(tmp_path / "file" / "flight")):
        pass
    with flight_recorded(WorkerStats(), None):
        pass


def test_being_counted_keeps_nothing_alive() -> None:
    """Guarantees that the recorder does not cause what it records: a message goes when the worker lets go of it."""
    live = LiveObjects()
    delivery = Delivery(b"x" * 100)
    live.take(delivery)
    assert (live.look().bodies, live.look().bodies_bytes) == (1, 100)
    delivery.body = b""
    assert live.look().bodies == 0
    delivery.body = b"again"
    del delivery
    assert live.look().bodies == 0


@pytest.mark.parametrize("error", [ValueError("built in"), RuntimeError("too"), KeyError("x"), OSError("y")])
def test_an_exception_is_counted_as_long_as_it_is_kept(error: Exception) -> None:
    """Guarantees that a kept exception shows, one of a built-in type too, and one that was dropped does not."""
    live, kept = LiveObjects(), []
    fresh = type(error)(*error.args)
    live.message_failed(Delivery(b""), fresh)
    kept.append(fresh)
    del fresh
    assert live.look().exceptions == 1
    kept.clear()
    gc.collect()
    assert live.look().exceptions == 0


def test_an_open_call_has_an_age_and_a_finished_one_is_gone() -> None:
    """Guarantees that a call that hangs is seen to grow old, also when it ends in an exception."""
    live = LiveObjects()
    ages: list[tuple[float, ...]] = []

    class Poster:
        def post(self, _url: str, _body: object, _headers: dict[str, str]) -> bytes:
            ages.append(live.look().call_ages_s)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        CountedPoster(Poster(), live).post("http://there/x", {}, {})
    assert len(ages[0]) == 1
    assert ages[0][0] >= 0
    assert live.look().call_ages_s == ()


def test_threads_at_the_same_place_are_one_group() -> None:
    """Guarantees that ten threads that hang in the same call are read as one line with ten names."""
    go_on = threading.Event()
    waiting = threading.Barrier(4)

    def hang() -> None:
        waiting.wait()
        go_on.wait()

    threads = [threading.Thread(target=hang, name=f"hangs-{number}") for number in range(3)]
    for thread in threads:
        thread.start()
    waiting.wait()
    try:
        expected = ("hangs-0", "hangs-1", "hangs-2")
        deadline = threading.Event()
        for _ in range(600):  # a thread may still be on its way out of the barrier
            if any(group.threads == expected for group in stack_groups()):
                break
            deadline.wait(0.05)
        assert any(group.threads == expected for group in stack_groups())
    finally:
        go_on.set()
        for thread in threads:
            thread.join()


def test_memory_is_told_by_kind_for_either_version_of_cgroups(tmp_path: Path) -> None:
    """Guarantees the figures of both versions under one name each, and none where there is no cgroup."""
    proc, mount = tmp_path / "proc", tmp_path / "cgroup"
    (mount / "pod").mkdir(parents=True)
    proc.mkdir()
    (proc / "status").write_text("VmHWM:\t  30 kB\nVmRSS:\t  20 kB\nRssAnon:\t 15 kB\nThreads:\t4\n")
    with MemoryInUse(proc) as memory:
        assert memory.bytes_by_kind() == {"rss_peak": 30720, "rss": 20480, "anon": 15360, "threads": 4}
    (proc / "mounts").write_text(f"tmpfs /tmp tmpfs rw 0 0\nnone {mount} cgroup2 rw 0 0\n")
    (proc / "cgroup").write_text("0::/pod\n")
    assert cgroup_folder(proc) is None
    (mount / "pod" / "memory.current").write_text("99\n")
    (mount / "pod" / "memory.stat").write_text("anon 60\nfile 30\nkernel 9\nslab 1\n")
    with MemoryInUse(proc) as memory:
        by_kind = memory.bytes_by_kind()
    assert {key: by_kind[key] for key in by_kind if key.startswith("cgroup")} == {
        "cgroup": 99,
        "cgroup_anon": 60,
        "cgroup_file": 30,
        "cgroup_kernel": 9,
    }
    (proc / "mounts").write_text(f"cgroup {mount} cgroup rw,memory 0 0\n")
    (proc / "cgroup").write_text("4:memory:/gone\n")
    (mount / "memory.usage_in_bytes").write_text("77\n")
    assert cgroup_folder(proc) == mount
