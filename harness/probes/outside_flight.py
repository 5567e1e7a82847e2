"""A flight recorder for a worker that has none: once a second, what /proc says of it, and py-spy where its threads are.

Used by the trial for a worker that is a command of somebody's own. The lines are the worker's recorder's, without what
only the worker can know; ``harness postmortem`` reads either. py-spy reads the worker's memory without stopping it; it
takes some 10 ms of a core for one dump. Where the kernel or the program does not allow it, one event says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.probes.watching import watching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.environment.supervisor import RunningIncarnation, Supervisor
    from harness.store import TrialFolder

INTERVAL_S = 1.0
_DUMP_TIMEOUT_S = 5.0
# An interpreter that is starting up, or that changes a stack while it is read, can't be dumped; the next second it can.
_FAILURES_IN_A_ROW_MAX = 5
_REASON_CHARACTERS_MAX = 300
_FOLDERS_KEPT = 2
_STATUS = {"VmRSS": "rss", "VmHWM": "rss_peak", "RssAnon": "anon", "RssFile": "file", "RssShmem": "shmem"}


@contextmanager
def recording_from_outside(supervisor: Supervisor, folder: TrialFolder, env: Mapping[str, str]) -> Iterator[None]:
    """Write ``flight/<pid>-outside.jsonl`` of each incarnation until left. ``env`` is py-spy's environment."""
    (folder.path / "flight").mkdir(exist_ok=True)
    watch = _Watch(supervisor, folder, env)
    with watching("outside-flight", watch.look, interval_s=INTERVAL_S):
        yield


def memory_by_kind(status: str) -> dict[str, int]:
    """Return the sizes in bytes that ``/proc/<pid>/status`` tells apart, and the number of threads."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    found = {key: int(fields[name].split()[0]) * 1024 for name, key in _STATUS.items() if name in fields}
    return found | ({"threads": int(fields["Threads"])} if "Threads" in fields else {})


def folded(dump: str) -> list[dict[str, Any]]:
    """Return py-spy's dump as groups of threads at the same place, the largest first."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for thread in json.loads(dump):
        frames = (
            f"{'/'.join(frame['filename'].split('/')[-_FOLDERS_KEPT:])}:{frame['line']} {frame['name']}"
            for frame in thread["frames"]
        )
        name = thread["thread_name"] or f"thread {thread['os_thread_id']}"
        groups.setdefault(tuple(frames), []).append(name)
    ranked = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [{"threads": sorted(threads), "frames": list(frames)} for frames, threads in ranked]


class _Watch:
    """What the probe's thread does, and how often py-spy failed in a row."""

    def __init__(self, supervisor: Supervisor, folder: TrialFolder, env: Mapping[str, str]) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._env = env
        self._py_spy = str(Path(sys.executable).with_name("py-spy"))
        self._failures = 0

    def look(self) -> None:
        """Write one sample and one set of stacks of the incarnation that is going on, if any."""
        incarnation = self._supervisor.current
        if incarnation is None:
            return
        try:
            figures = memory_by_kind(
                Path(f"/proc/{incarnation.pid}/status").read_text(encoding="utf-8", errors="replace")
            )
            kinds = incarnation.memory_limit.by_kind()
            figures["cgroup"] = kinds.charged if kinds else 0
        except (OSError, ProcessLookupError):
            return  # it ended, or its memory_limit did
        if "rss" not in figures:
            return  # a zombie: its memory is gone
        self._write(incarnation, {"kind": "sample", **figures})
        if self._failures < _FAILURES_IN_A_ROW_MAX:
            self._dump(incarnation)

    def _dump(self, incarnation: RunningIncarnation) -> None:
        argv = (self._py_spy, "dump", "--pid", str(incarnation.pid), "--nonblocking", "--json")
        try:
            done = subprocess.run(
                argv, env=dict(self._env), capture_output=True, text=True, timeout=_DUMP_TIMEOUT_S, check=True
            )
            groups = folded(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError, LookupError) as error:
            if self._supervisor.current is incarnation:
                self._count_failure(incarnation, str(getattr(error, "stderr", "") or error))
            return
        self._failures = 0
        self._write(incarnation, {"kind": "stacks", "groups": groups})

    def _count_failure(self, incarnation: RunningIncarnation, why: str) -> None:
        self._failures += 1
        if self._failures == _FAILURES_IN_A_ROW_MAX:
            self._folder.event(
                "stacks_not_recorded", incarnation=incarnation.index, why=why.strip()[-_REASON_CHARACTERS_MAX:]
            )

    def _write(self, incarnation: RunningIncarnation, line: dict[str, Any]) -> None:
        path = self._folder.path / "flight" / f"{incarnation.pid}-outside.jsonl"
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"mono_s": round(time.monotonic(), 3), **line}) + "\n")
