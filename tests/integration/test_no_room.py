"""A disk that is full, or can't be written to: a sentence with the path and the remedy, and nothing is left running."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.waiting import wait_for
from tests.kill_moments import ARM, SCENARIO, Place, left_over, place
from tests.private_mounts import fill, mounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

HARNESS = (sys.executable, "-m", "harness")
LIMIT_S = 120.0


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Place]:
    """Folders that no other test shares."""
    with place(tmp_path) as made:
        yield made


def play(where: Place) -> tuple[str, ...]:
    """Return the command of a run."""
    return (*HARNESS, "run", str(SCENARIO), "--runs-dir", str(where.runs))


def test_a_disk_that_fills_up_ends_the_run_and_what_was_recorded_stays_readable(where: Place) -> None:
    """Exit 4 with path and remedy, nothing left; the records until then are judged once there is room: unknown."""
    with mounts(f"mount -t tmpfs -o size=8m tmpfs {where.runs}") as mounted:
        runs = mounted.outside(where.runs)
        events = runs / "latest" / "trials" / ARM / "events.jsonl"
        argv = mounted.argv(play(where))
        with subprocess.Popen(argv, env=where.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            try:
                wait_for(
                    "the workload to begin",
                    lambda: events.exists() and '"phase": "workload"' in events.read_text(),
                    timeout_s=LIMIT_S,
                    alive=lambda: None if run.poll() is None else "the harness ended before",
                )
                balloon = fill(runs)
                said, _ = run.communicate(timeout=LIMIT_S)
            finally:
                run.kill()
        assert run.returncode == 4, said
        assert f"error: {where.runs}/" in said, said
        assert "can't be written: No space left on device; free some disk or choose --runs-dir" in said, said
        assert "Traceback" not in said
        assert [left for left in left_over(where) if not left.startswith("half")] == []

        full = mounted.run((*HARNESS, "check", str(where.runs / "latest")))
        balloon.unlink()
        checked = mounted.run((*HARNESS, "check", str(where.runs / "latest")))

        assert full.returncode == 4, full.stdout + full.stderr
        assert "verdict.json can't be written: No space left on device" in full.stderr
        assert checked.returncode == 3, checked.stdout + checked.stderr
        assert "workload published" in checked.stdout
        assert left_over(where) == []


def test_a_read_only_runs_directory_is_refused_before_anything_starts(where: Place) -> None:
    """Exit 4 with path and remedy: not even the memory limit was tried."""
    with mounts(f"mount -t tmpfs -o ro tmpfs {where.runs}") as mounted:
        done = mounted.run(play(where), where.env)
    assert done.returncode == 4, done.stdout + done.stderr
    (error,) = done.stderr.splitlines()
    assert error.startswith(f"error: {where.runs}/")
    assert error.endswith("can't be written: Read-only file system; make it writable or choose --runs-dir")
    assert left_over(where) == []
