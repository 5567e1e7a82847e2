"""Counts what is alive in the worker: messages in hand with their bodies, open calls, exceptions not yet freed.

The consumer, the message handler and the calls register here; ``flight_recorder`` reads. Everything is held by weak
reference, so that being counted keeps nothing alive. Nothing here decides what happens to a message.
"""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from worker_under_test.message_handling import MessageHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker_under_test.outcomes import Delivery
    from worker_under_test.remedies.total_deadline import HttpPoster


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """What was alive at one moment. ``call_ages_s`` has the oldest call first."""

    bodies: int  # messages still referred to whose body was not freed: waiting, in work, or kept by an exception
    bodies_bytes: int
    exceptions: int
    call_ages_s: tuple[float, ...]


class _Mark:
    """Lives as long as the exception that it was put on: those of built-in types take no weak reference themselves."""

    __slots__ = ("__weakref__",)


class LiveObjects(MessageHook):
    """A register that any thread may write to."""

    def __init__(self) -> None:
        self._keys = itertools.count()
        self._deliveries: WeakValueDictionary[int, Delivery] = WeakValueDictionary()
        self._failures: WeakValueDictionary[int, _Mark] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._calls: dict[int, float] = {}  # when each open call began, on the monotonic clock

    def take(self, delivery: Delivery) -> None:
        """Count ``delivery`` for as long as anything refers to it."""
        self._deliveries[next(self._keys)] = delivery

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count one open call while the block runs."""
        key = next(self._keys)
        with self._lock:
            self._calls[key] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._calls[key]

    def message_failed(self, delivery: Delivery, error: Exception) -> None:  # noqa: ARG002 - the hook's signature
        """Count ``error`` for as long as anything refers to it."""
        mark = _Mark()
        self._failures[next(self._keys)] = mark
        error.__dict__["_counted_alive"] = mark

    def look(self) -> LiveCounts:
        """Return what is alive at this moment."""
        sizes = [len(delivery.body) for reference in self._deliveries.valuerefs() if (delivery := reference())]
        held = [size for size in sizes if size]
        now_mono_s = time.monotonic()
        with self._lock:
            began = sorted(self._calls.values())
        return LiveCounts(
            bodies=len(held),
            bodies_bytes=sum(held),
            exceptions=len(self._failures),
            call_ages_s=tuple(round(now_mono_s - began_mono_s, 3) for began_mono_s in began),
        )


class CountedPoster:
    """A poster whose calls are counted while they are open."""

    def __init__(self, poster: HttpPoster, live: LiveObjects) -> None:
        self._poster = poster
        self._live = live

    def post(self, url: str, body: dict[str, Any] | Iterator[bytes], headers: dict[str, str]) -> bytes:
        """Send ``body`` as the poster does."""
        with self._live.call():
            return self._poster.post(url, body, headers)
