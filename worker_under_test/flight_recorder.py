"""The flight recorder: writes the worker's last half minute to disk, so that it is there after a SIGKILL.

A thread of its own writes, four times a second, what the worker holds: memory by kind, its queue, the age of its open
calls, live bodies and exceptions, the collector's counts; and once a second the stack of every thread. Each line is one
``write`` to the kernel, so a SIGKILL loses only the line that was being written. The files are a ring of two: when one
is full, the older one is overwritten. ``command_line`` starts it where FLIGHT_RECORDER_DIR is set. It interprets
nothing.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import structlog

from worker_under_test.memory_in_use import MemoryInUse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

    from worker_under_test.worker_stats import WorkerStats

logger = structlog.get_logger()

INTERVAL_S = 0.25
_STACKS_EVERY = 4  # samples: stacks once a second
# The older file is complete when the newer one begins, so at least this much is always there; 30 s are wanted.
_FILE_SPAN_S = 40.0
# Ten threads deep in httpx write 8 kB a second: 0.5 MB in 40 s. Beyond this a file is full, whatever its span.
_FILE_BYTES_MAX = 4 * 2**20
_JOIN_TIMEOUT_S = 5.0
# Innermost frames; the outermost ones are the interpreter's own start-up, and the same for every thread.
_FRAMES_MAX = 40
_FOLDERS_KEPT = 2  # as in "worker_under_test/rabbitmq_consumer.py"
_CALLS_MAX = 20  # ages written, oldest first; the number of calls is not cut


class _Ring:
    """Two files, ``<pid>-0.jsonl`` and ``<pid>-1.jsonl``, written in turn."""

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / f"{os.getpid()}-{number}.jsonl" for number in (0, 1)]
        self._turn = 0
        self._bytes = 0
        self._began_mono_s = time.monotonic()
        self._descriptor = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def write(self, fields: dict[str, object]) -> None:
        """Append one line; the kernel has it when this returns."""
        is_full = self._bytes > _FILE_BYTES_MAX or time.monotonic() - self._began_mono_s > _FILE_SPAN_S
        if is_full:
            self._turn = 1 - self._turn
            opened = self._opened()
            os.close(self._descriptor)
            self._descriptor, self._bytes, self._began_mono_s = opened, 0, time.monotonic()
        self._bytes += os.write(self._descriptor, f"{json.dumps(fields, separators=(',', ':'))}\n".encode())

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        return os.open(self._paths[self._turn], flags, 0o644)


@contextmanager
def flight_recorded(stats: WorkerStats, folder: str | None) -> Iterator[None]:
    """Record the worker into ``folder`` while the block runs, and once more at its end. Without a folder, do nothing.

    An error of the file system is logged once and ends the recording; the work goes on.
    """
    if folder is None:
        yield
        return
    stop = threading.Event()
    recorder = threading.Thread(target=_record, args=(stats, Path(folder), stop), name="flight-recorder", daemon=True)
    recorder.start()
    try:
        yield
    finally:
        stop.set()
        recorder.join(timeout=_JOIN_TIMEOUT_S)


def _record(stats: WorkerStats, folder: Path, stop: threading.Event) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _Ring(folder) as ring, MemoryInUse() as memory:
            taken = 0
            while True:
                if taken % _STACKS_EVERY == 0:
                    ring.write(_stacks())
                ring.write(_sample(stats, memory))
                taken += 1
                if stop.is_set():
                    ring.write({"kind": "ended", "mono_s": _now()})
                    return
                stop.wait(INTERVAL_S)
    except OSError as error:
        logger.warning("flight_not_recorded", folder=str(folder), error=repr(error))


def _sample(stats: WorkerStats, memory: MemoryInUse) -> dict[str, object]:
    live = stats.live.look()
    generations = gc.get_stats()
    return {
        "kind": "sample",
        "mono_s": _now(),
        **stats.counts(),
        **memory.bytes_by_kind(),
        "bodies": live.bodies,
        "bodies_bytes": live.bodies_bytes,
        "exceptions": live.exceptions,
        "calls": len(live.call_ages_s),
        "call_ages_s": live.call_ages_s[:_CALLS_MAX],
        "gc_count": gc.get_count(),
        "gc_collections": [generation["collections"] for generation in generations],
        "gc_collected": [generation["collected"] for generation in generations],
        "process_cpu_s": round(time.process_time(), 3),
        "recorder_cpu_s": round(time.thread_time(), 4),
    }


def _stacks() -> dict[str, object]:
    groups = [{"threads": group.threads, "frames": group.frames} for group in stack_groups()]
    return {"kind": "stacks", "mono_s": _now(), "groups": groups}


@dataclass(frozen=True, slots=True)
class StackGroup:
    """The threads that have the same stack, and the stack: ``file:line function``, innermost first."""

    threads: tuple[str, ...]
    frames: tuple[str, ...]


def stack_groups() -> tuple[StackGroup, ...]:
    """Return the stacks of all other threads, the stack that most threads have first.

    No frame is kept: a kept frame keeps its locals, and in this worker those are messages of 3 MB.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    own = threading.get_ident()
    groups: dict[tuple[str, ...], list[str]] = {}
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - documented, for debuggers
        if ident != own:
            groups.setdefault(_text(frame), []).append(names.get(ident, str(ident)))
    return tuple(
        StackGroup(tuple(sorted(threads)), frames)
        for frames, threads in sorted(groups.items(), key=lambda item: -len(item[1]))
    )


def _text(frame: FrameType | None) -> tuple[str, ...]:
    frames: list[str] = []
    while frame is not None and len(frames) < _FRAMES_MAX:
        code = frame.f_code
        file = "/".join(code.co_filename.rsplit("/", _FOLDERS_KEPT)[-_FOLDERS_KEPT:])
        frames.append(f"{file}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return tuple(frames)


def _now() -> float:
    return round(time.monotonic(), 3)
