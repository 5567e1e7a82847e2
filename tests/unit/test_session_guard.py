"""tests/conftest.py: tests run from quick to slow, and a process of the harness that outlives the session fails it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.checkout_files import CHECKOUT
from tests.conftest import LONG_FILES
from tests.leftover_processes import SESSION_ID, Carrier, account_of, leftovers

LEAVES_ONE = """
import os, subprocess
def test_leaves_a_process_behind():
    environment = {**os.environ, "HARNESS_RUN_ID": "planted-run"}
    child = subprocess.Popen(["/bin/sleep", "30"], env=environment, start_new_session=True, stdout=-3, stderr=-3)
    print("left", child.pid)
    child.returncode = 0  # no ResourceWarning: the test is careless on purpose
"""
ENDS_IT = """
import os, subprocess
def test_ends_its_process():
    with subprocess.Popen(["/bin/sleep", "30"], env={**os.environ, "HARNESS_RUN_ID": "planted-run"}) as child:
        child.kill()
"""
OUT_OF_ORDER = """
import pytest
@pytest.mark.incident
def test_e(): ...
@pytest.mark.docker
def test_d(): ...
@pytest.mark.docker
@pytest.mark.integration
def test_d_too(): ...
@pytest.mark.browser
def test_c(): ...
@pytest.mark.integration
def test_b(): ...
def test_a(): ...
"""


def run_session(
    directory: Path, test_file: str, others: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a tree of its own, with this tree's conftest, one test file, and perhaps ``others`` by name."""
    tests = directory / "tests"
    tests.mkdir()
    for name in ("conftest.py", "leftover_processes.py"):
        shutil.copy(CHECKOUT / "tests" / name, tests)
    shutil.copy(CHECKOUT / "pyproject.toml", directory)
    for name, text in {"test_planted.py": test_file, **(others or {})}.items():
        (tests / name).write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != SESSION_ID}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-s"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_process_left_behind_fails_the_session_and_is_named(tmp_path: Path) -> None:
    """Guarantees that the guard turns red on a process that carries a run id, and says which one it is."""
    result = run_session(tmp_path, LEAVES_ONE)

    left = re.search(r"left (\d+)", result.stdout)
    assert left is not None, result.stdout
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(left[1]), signal.SIGKILL)
    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 processes of the harness outlived the test session" in result.stdout
    assert f"pid {left[1]}, run planted-run: /bin/sleep 30" in result.stdout
    assert "1 passed, 1 error" in result.stdout.splitlines()[-1]


def test_a_session_that_ends_its_processes_passes(tmp_path: Path) -> None:
    """Guarantees that the guard is silent when the processes were ended."""
    result = run_session(tmp_path, ENDS_IT)

    assert result.returncode == pytest.ExitCode.OK, result.stdout
    assert "1 passed" in result.stdout.splitlines()[-1]


def test_tests_run_from_quick_to_slow(tmp_path: Path) -> None:
    """Guarantees the order unit, integration, browser, docker, incident; the slowest marker of a test decides."""
    result = run_session(tmp_path, OUT_OF_ORDER)

    assert re.findall(r"::(test_\w+) PASSED", result.stdout) == [
        "test_a",
        "test_b",
        "test_c",
        "test_d",
        "test_d_too",
        "test_e",
    ]


@pytest.mark.parametrize(
    ("started_s", "session_id", "is_kin", "is_left"),
    [
        (2.0, "mine", False, True),
        (2.0, "another's", True, False),
        (2.0, None, True, True),
        (2.0, None, False, False),
        (1.0, None, True, False),
    ],
    ids=["ours", "of a session beside it", "unmarked kin", "of a run beside it", "there before the session"],
)
def test_only_what_this_session_started_is_a_leftover(
    started_s: float, session_id: str | None, is_kin: bool, is_left: bool
) -> None:
    """Guarantees that two sessions, or a session and a run, on one machine do not fail each other."""
    carrier = Carrier(7, started_s, "run-1", session_id, is_kin, "beam.smp")

    assert leftovers([carrier], "mine", {(7, 1.0)}) == ([carrier] if is_left else [])


def test_the_account_names_every_process() -> None:
    """Guarantees that whoever reads the failure can find each process, its run and its command."""
    carriers = [Carrier(pid, 1.0, f"run-{pid}", None, True, f"part-{pid}") for pid in (7, 8)]

    assert account_of(carriers).splitlines()[1:] == ["  pid 7, run run-7: part-7", "  pid 8, run run-8: part-8"]


def test_the_long_files_are_there_and_are_begun_before_the_other_slow_ones(tmp_path: Path) -> None:
    """Guarantees that a file which was renamed is not forgotten in the list, and that the list does its work."""
    missing = [name for name in LONG_FILES if not list((CHECKOUT / "tests").glob(f"*/{name}"))]
    assert missing == []
    slow = "import pytest\npytestmark = pytest.mark.{}\ndef test_{}(): ...\n"
    extra = {
        LONG_FILES[1]: slow.format("docker", "second"),
        LONG_FILES[0]: slow.format("integration", "first"),
        "test_another.py": slow.format("integration", "third"),
    }
    result = run_session(tmp_path, "def test_quick(): ...\n", extra)
    assert re.findall(r"::test_(\w+)", result.stdout) == ["quick", "first", "second", "third"]
