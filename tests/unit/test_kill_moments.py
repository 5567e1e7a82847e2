"""The moments at which runs are killed: the same seed, the same moments; and what was left is found."""

import subprocess
import sys
from pathlib import Path

from harness.waiting import wait_for
from tests.kill_moments import STAGES, bearers, delay_s, left_over, place


def test_the_same_seed_gives_the_same_moments() -> None:
    """A failure is played again by its seed; another seed is another ten moments, each within its stage."""
    moments = [delay_s(stage, 7) for stage in STAGES]
    assert len(moments) == 10
    assert moments == [delay_s(stage, 7) for stage in STAGES]
    assert not set(moments) & {delay_s(stage, 8) for stage in STAGES}
    assert all(0 <= delay_s(stage, 7) <= STAGES[stage][2] / 10 for stage in STAGES)


def test_what_is_left_on_purpose_is_found(tmp_path: Path) -> None:
    """A process without the run's id, its port, a temporary file, half a report and half a pointer: all are named."""
    listener = "import socket, threading; s = socket.create_server(('127.0.0.1', 0)); threading.Event().wait(60)"
    with place(tmp_path) as where:
        assert left_over(where) == []
        (where.tmp / "forgotten").write_text("x")
        (where.runs / "a-run").mkdir()
        (where.runs / "a-run" / ".report.html.1.tmp").write_text("hal")
        (where.runs / ".latest.1.tmp").symlink_to("nowhere")
        with subprocess.Popen([sys.executable, "-c", listener], env={"TMPDIR": str(where.tmp)}):
            wait_for("it to listen", lambda: "port" in " ".join(left_over(where)), timeout_s=30)
            (process,) = bearers(where.tmp)
            left = "\n".join(left_over(where))
            process.kill()
    assert f"process {process.pid}: {sys.executable}" in left
    assert all(f"file {tmp_path}/{name}" in left for name in ("tmp/forgotten", "runs/.latest.1.tmp"))
    assert f"half a file {tmp_path}/runs/a-run/.report.html.1.tmp" in left
