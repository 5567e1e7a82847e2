"""The dependency that the worker calls: endpoints, failure rules changed while it runs, and a journal of the calls.

Kept by ``harness.environment.dependency``, which starts a fake as a process. The incident names its endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Dependency(Protocol):
    """A dependency that answers. Its verbs raise PartFailedError when its control does not answer, or refuses."""

    @property
    def url(self) -> str:
        """What the worker calls."""
        ...

    def put_rules(
        self, rules: Iterable[Mapping[str, Any]], default: Mapping[str, Any] | None = None, *, path: str | None = None
    ) -> None:
        """Replace the failure rules in force; durations are real seconds."""
        ...

    def rules(self, path: str | None = None) -> Mapping[str, Any]:
        """Return ``rules`` and ``default`` in force, to prove that a change took effect."""
        ...

    def stats(self) -> Mapping[str, Any]:
        """Return its counts: requests, open, hung, by mode, bytes read."""
        ...

    def release(self) -> int:
        """Let go every call that hangs now; return how many there were."""
        ...
