"""What every thread is doing, as text: identical stacks once, with the threads that are in them.

``flight_recorder`` asks once a second. No frame is kept: a kept frame keeps its locals, and in this worker those are
messages of 3 MB.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

# Innermost frames; the outermost ones are the interpreter's own start-up, and the same for every thread.
_FRAMES_MAX = 40
_FOLDERS_KEPT = 2  # "worker_under_test/rabbitmq_consumer.py" says enough


@dataclass(frozen=True, slots=True)
class StackGroup:
    """The threads that are at the same place, and the place: ``file:line function``, innermost first."""

    threads: tuple[str, ...]
    frames: tuple[str, ...]


def stack_groups() -> tuple[StackGroup, ...]:
    """Return the stacks of all other threads, the place with the most threads first."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    own = threading.get_ident()
    groups: dict[tuple[str, ...], list[str]] = {}
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - the documented way in, for debuggers
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
