"""Half-files: what a killed writer left is removed by the next one, and by nobody before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.store import create_run, read_run, write_atomically
from harness.store.atomic import half_file


@pytest.fixture
def dead_pid() -> int:
    """The id of a process that was, and is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path, dead_pid: int) -> None:
    """Guarantees that no half report stays in a run directory once it was reported again, whichever file it was of."""
    (tmp_path / f".report.html.{dead_pid}.tmp").write_text("hal")
    (tmp_path / f".verdict.json.{dead_pid}.tmp").write_text("hal")
    write_atomically(tmp_path / "verdict.json", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]


def test_what_a_living_writer_is_at_is_left_alone(tmp_path: Path) -> None:
    """Guarantees that two writers in one folder do not disturb each other; and other hidden files are nobody's."""
    theirs = tmp_path / f".report.html.{os.getppid()}.tmp"
    theirs.write_text("hal")
    other = tmp_path / ".notes.tmp"
    other.write_text("mine")
    write_atomically(tmp_path / "verdict.json", "whole")
    assert theirs.exists()
    assert other.exists()
    assert half_file(tmp_path / "verdict.json").name == f".verdict.json.{os.getpid()}.tmp"


def test_a_pointer_that_a_killed_run_left_goes_with_the_next_run(tmp_path: Path, dead_pid: int) -> None:
    """Guarantees that runs/ holds runs and ``latest``, and nothing hidden."""
    (tmp_path / f".latest.{dead_pid}.tmp").symlink_to("nowhere")
    made = create_run(tmp_path, "drill")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([made.run_id, "latest"])


def test_a_run_that_recorded_nothing_is_said_to_have_recorded_nothing(tmp_path: Path) -> None:
    """Guarantees a sentence for a run that was killed between its directory and its manifest."""
    made = create_run(tmp_path, "drill")
    with pytest.raises(RunDirectoryError, match="ended before it recorded anything; play it again"):
        read_run(made.path)
