"""The memory probe on a real process in a real memory limit.

The curve follows what it holds, and the price is known.
"""

import json
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.environment.memory_limit import choose_memory_limits
from harness.environment.run.run_scope import RunScope
from harness.environment.supervisor import RestartPolicy, Supervisor, WorkerLaunch
from harness.errors import RunDirectoryError
from harness.probes.memory import resident_bytes, sampling_memory
from harness.store import TrialFolder
from harness.store.tolerant import read_rows
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

MIB = 2**20
TIMEOUT_S = 30.0
# Holds 60 MiB for a second, lets go of them, and waits; says so in a file, since nobody reads its output.
UP_AND_DOWN = f"""
import pathlib, threading
b = bytearray({60 * MIB})
pathlib.Path('held').touch()
threading.Event().wait(1)
del b
pathlib.Path('let-go').touch()
threading.Event().wait()
"""


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    """A trial's folder."""
    (tmp_path / "trial" / "logs").mkdir(parents=True)
    return TrialFolder(tmp_path / "trial", "incident", "before")


@pytest.fixture
def supervisor(tmp_path: Path, folder: TrialFolder) -> Iterator[Supervisor]:
    """A supervisor with a worker whose memory goes up and down, once."""
    with RunScope(f"probe-test-{uuid.uuid4().hex[:8]}", tmp_path / "state") as scope:
        launch = WorkerLaunch(
            argv=lambda _incarnation: (sys.executable, "-c", UP_AND_DOWN),
            env=lambda _incarnation: scope.environment(),
            cwd=tmp_path,
            logs=folder.logs,
        )
        yield Supervisor(
            launch,
            choose_memory_limits(scope.run_id),
            256 * MIB,
            RestartPolicy(0.05, 0),
            folder.event,
            name="probed",
            grace_s=5.0,
        )


def row(line: dict[str, str]) -> tuple[float, float, float]:
    """Return incarnation, resident set and charge of one row."""
    return float(line["incarnation"]), float(line["rss_bytes"]), float(line["cgroup_bytes"])


def test_the_curve_follows_the_process_and_the_price_is_recorded(
    supervisor: Supervisor, folder: TrialFolder, tmp_path: Path
) -> None:
    """Guarantees samples of the incarnation that goes on, a mark that no sample misses, and the probe's own cost."""
    with supervisor, sampling_memory(supervisor, folder):
        wait_for("the memory to be let go", (tmp_path / "let-go").exists, timeout_s=TIMEOUT_S, alive=supervisor.death)
        incarnation = supervisor.current
        assert incarnation is not None
        before = len((folder.path / "memory.csv").read_text().splitlines())
        wait_for(
            "ten samples more",
            lambda: len((folder.path / "memory.csv").read_text().splitlines()) >= before + 10,
            timeout_s=TIMEOUT_S,
        )

    damaged: list[str] = []
    incarnations, rss, charged = np.array(read_rows(folder.path / "memory.csv", row, damaged)).T
    assert damaged == []
    assert set(incarnations) == {0.0}
    assert rss.max() - rss[-1] >= 50 * MIB
    assert charged.max() >= 60 * MIB
    assert incarnation.peak_rss_bytes >= rss.max()
    events = [json.loads(line) for line in (folder.path / "events.jsonl").read_text().splitlines()]
    (cost,) = [event for event in events if event["kind"] == "memory_probe_ended"]
    assert cost["samples"] == len(rss)
    assert 0 < cost["cpu_share"] < 0.5
    (end,) = [event for event in events if event["kind"] == "worker_ended"]
    assert end["peak_rss_bytes"] == incarnation.peak_rss_bytes


def test_a_full_disk_is_an_error_and_the_worker_is_ended(supervisor: Supervisor, folder: TrialFolder) -> None:
    """Guarantees that a trial whose memory can't be recorded does not go on."""
    (folder.path / "memory.csv").symlink_to("/dev/full")

    with (
        pytest.raises(RunDirectoryError, match="No space left on device"),
        supervisor,
        sampling_memory(supervisor, folder),
    ):
        pass

    assert supervisor.current is None


def test_a_process_that_is_gone_has_no_memory() -> None:
    """Guarantees None, not an error, when an incarnation ends between two looks."""
    assert resident_bytes(2**22 + 1) is None


def test_the_high_water_mark_is_at_least_what_is_resident() -> None:
    """Guarantees the order of the two numbers, in bytes."""
    found = resident_bytes(os.getpid())
    assert found is not None
    resident, mark = found
    assert 10 * MIB < resident <= mark
