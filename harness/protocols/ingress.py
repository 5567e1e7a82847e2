"""The way of messages through an API of the incident, in place of the broker.

An incident with ``has_ingress`` brings a module ``ingress`` whose ``INGRESS`` keeps ``Ingress``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.protocols.worker import Endpoints


class Publishing(Protocol):
    """One connection with one message in flight: what ``harness.load.publisher.Publisher`` is for the broker."""

    def connect(self) -> str | None:
        """Connect, unless connected; return None, or what went wrong in a sentence."""
        ...

    def wait_until(self, mono_s: float) -> None:
        """Return when the monotonic clock shows ``mono_s``."""
        ...

    def publish(self, message_id: str, body: bytes) -> str | None:
        """Publish one message and wait for the answer; return None when it was accepted, else why not."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class Ingress(Protocol):
    """The API server through which messages go."""

    def running(
        self, endpoints: Endpoints, env: Mapping[str, str], ready_file: Path, log_file: Path, *, cwd: Path
    ) -> AbstractContextManager[str]:
        """Start it, and yield its URL once it answers; afterwards nothing of it runs. Raises PartFailedError."""
        ...

    def publisher(self, url: str, sleep: Callable[[float], object]) -> Publishing:
        """Return one connection to it. ``sleep`` sleeps for a number of seconds."""
        ...
