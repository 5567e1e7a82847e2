"""Two runs at once on one machine, in the same folders: each plays as if it were alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.environment.run.census import census
from harness.waiting import wait_for
from tests.kill_moments import ARM, left_over, place, start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.kill_moments import Place

pytestmark = pytest.mark.integration

LIMIT_S = 180.0
# The first one's workload has to last until the second one's has begun: 20 s, in which a broker comes up on busy cores.
FIRST = ("--time-scale", "1")
SECOND = ("--time-scale", "2")
# What asks for cores rather than for a harness: beside other tests a workload may begin late, and then meet no hung
# call.
OF_THE_MACHINE = {"workload in time", "faults took effect"}


def test_both_pass_and_neither_touches_the_other(tmp_path: Path) -> None:
    """Processes, ports and cgroups are apart, a start sweeps no living run, and both are judged and remembered."""
    with place(tmp_path) as where, start(where, *FIRST, said_in="first") as first:
        try:
            one = with_a_broker(where, "first", first)
            with start(where, *SECOND, said_in="second") as second:
                try:
                    other = with_a_broker(where, "second", second)
                    for run, process in ((one, first), (other, second)):
                        wait_for_its_workload(run, process)
                    seen = census(one.name, where.state_root), census(other.name, where.state_root)
                    assert (first.poll(), second.poll()) == (None, None), "they were not at work at the same time"
                    second.wait(LIMIT_S)
                finally:
                    second.kill()
            first.wait(LIMIT_S)
        finally:
            first.kill()
        said = [(where.runs / name).read_text() for name in ("first", "second")]
        left = left_over(where)

    for part in ("processes", "cgroups", "ports", "files"):
        mine, theirs = (set(getattr(each, part)) for each in seen)
        assert mine, f"a run without {part}"
        assert theirs, f"a run without {part}"
        assert not mine & theirs, part
    for run, words in zip((one, other), said, strict=True):
        assert "swept" not in words
        assert red_checks(run) <= OF_THE_MACHINE, words
        assert f"{run.name}/report.html" in words
    assert (where.runs / "latest").resolve() == other
    assert left == []


def with_a_broker(where: Place, said_in: str, process: subprocess.Popen[bytes]) -> Path:
    """Wait until the run has a broker and begins its trial; return its directory."""

    def directory() -> Path | None:
        words = (where.runs / said_in).read_text().split()
        return where.runs / words[words.index("run") + 1] if "arm" in words else None

    return wait_for("the run to have a broker", directory, timeout_s=LIMIT_S, alive=alive_or_not(process))


def wait_for_its_workload(run: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until the worker and the publishers are at work."""
    events = run / "trials" / ARM / "events.jsonl"
    wait_for(
        "its workload to begin",
        lambda: events.exists() and '"phase": "workload"' in events.read_text(),
        timeout_s=LIMIT_S,
        alive=alive_or_not(process),
    )


def alive_or_not(process: subprocess.Popen[bytes]) -> Callable[[], str | None]:
    """Return what ``wait_for`` asks."""
    return lambda: None if process.poll() is None else f"the run ended with {process.returncode}"


def red_checks(run: Path) -> set[str]:
    """Return the names of the checks that did not pass."""
    checks = json.loads((run / "verdict.json").read_text())["checks"]
    assert checks
    return {check["check"] for check in checks if check["verdict"] != "pass"}
