"""The thread that every probe is: it looks again and again until it is told to stop.

Used by the probes of this folder. It knows nothing of what they look at. What a look can't get over ends the thread,
and is raised where the probe is left: a trial must not go on for minutes and then be judged on a series that stopped.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.waiting import pause_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _nothing() -> None:
    """Do nothing at the end."""


@contextmanager
def watching(
    name: str, look: Callable[[], None], *, interval_s: float, at_end: Callable[[], None] = _nothing
) -> Iterator[None]:
    """Call ``look`` every ``interval_s`` until left, then ``at_end`` once, both in a thread of its own.

    A look that takes longer than the interval is followed by the next one at once; what was missed is not caught up.
    What either raises is raised again on leaving, unless the block itself failed.
    """
    stop = threading.Event()
    failures: list[Exception] = []

    def run() -> None:
        next_mono_s = time.monotonic()
        try:
            while not stop.is_set():
                look()
                next_mono_s = max(next_mono_s + interval_s, time.monotonic())
                pause_until(next_mono_s, wake=stop)
            at_end()
        except Exception as error:  # noqa: BLE001 - carried over to the thread that leaves the probe
            failures.append(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]
