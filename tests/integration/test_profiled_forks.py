"""A worker that forks under the profiler: each process leaves a capture, with its own heap in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.trial.worker_program import name_captures, under_memray
from reports.analysis.heap_profile import read_heap_profile

pytestmark = pytest.mark.integration

KEPT_BYTES = 40_000_000
LIMIT_S = 60
FORKS = f"""
import os, sys
child = os.fork()
if child == 0:
    kept = [bytes(1_000_000) for _ in range({KEPT_BYTES // 1_000_000})]
    sys.exit(len(kept) == 0)
os.waitpid(child, 0)
"""
DOES_NOT = f"kept = [bytes(1_000_000) for _ in range({KEPT_BYTES // 1_000_000})]"


def captures_of(program: str, folder: Path) -> dict[str, int]:
    """Run the program as a profiled arm does, and return the peak of each capture's heap."""
    script = folder / "worker.py"
    script.write_text(program)
    command = (sys.executable, "-X", "faulthandler", "-W", "ignore", str(script))
    argv = under_memray(command, folder / "incarnation-0.bin")
    subprocess.run(argv, cwd=folder, env=dict(os.environ), timeout=LIMIT_S, check=True)
    name_captures(folder)
    return {path.name: read_heap_profile(path).peak_bytes for path in sorted(folder.glob("*.bin"))}


def test_what_a_forked_child_keeps_is_in_a_capture_of_its_own(tmp_path: Path) -> None:
    """Guarantees that a leak in a child is seen, under its pid, and is not taken for the first process's."""
    found = captures_of(FORKS, tmp_path)

    (child,) = (name for name in found if "-process-" in name)
    assert found[child] >= KEPT_BYTES
    assert found["incarnation-0.bin"] < KEPT_BYTES / 2


def test_a_worker_that_does_not_fork_leaves_one_capture(tmp_path: Path) -> None:
    """Guarantees that following forks changes nothing for a single process."""
    found = captures_of(DOES_NOT, tmp_path)

    assert list(found) == ["incarnation-0.bin"]
    assert found["incarnation-0.bin"] >= KEPT_BYTES
