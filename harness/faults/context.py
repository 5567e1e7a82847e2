"""What a fault is done to: the parts of one trial, and the abilities that a fault may need of them.

``harness.trial`` makes the context; every fault gets it. The abilities are protocols, so that no fault imports the
module of a part. A part that lacks an ability simply has no such method: a broker given by URL can't be killed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import signal
    from contextlib import AbstractContextManager

Part = Literal["link", "broker", "database", "worker", "dependency"]


@runtime_checkable
class CanCarryToxics(Protocol):
    """A link through Toxiproxy, or through the proxy that stands in for it."""

    def set_enabled(self, enabled: bool) -> None:
        """Take the link down or up, and make sure that it is."""

    def add_toxic(self, name: str, type: str, stream: str, *, attributes: dict[str, int]) -> None:  # noqa: A002
        """Add a toxic, and make sure that the proxy reports it."""

    def remove_toxic(self, name: str) -> None:
        """Remove a toxic."""


@runtime_checkable
class CanKill(Protocol):
    """A broker that can be killed, and started again with its data."""

    def kill(self) -> None:
        """SIGKILL it."""

    def start_again(self) -> None:
        """Start it, and wait until it answers."""


@runtime_checkable
class CanShutDown(Protocol):
    """A broker that can be ended in good order, and started again with its data."""

    def shut_down(self) -> None:
        """End it in good order, and wait until it has ended."""

    def start_again(self) -> None:
        """Start it, and wait until it answers."""


@runtime_checkable
class CanRaiseAlarm(Protocol):
    """A broker whose memory alarm can be raised."""

    def set_memory_watermark(self, size_bytes: int | None) -> None:
        """Set from which memory on it blocks publishers; None sets what it started with."""

    def has_memory_alarm(self) -> bool:
        """Return whether the broker itself reports the alarm."""


@runtime_checkable
class CanGoDown(Protocol):
    """A database whose every statement can be made to fail."""

    def down(self) -> AbstractContextManager[str]:
        """Have statements fail for as long as the context lasts; it yields the error that a client got."""


@runtime_checkable
class CanBeLocked(Protocol):
    """A database whose rows can be locked."""

    def locked(self) -> AbstractContextManager[str]:
        """Hold the lock for as long as the context lasts; it yields the error that a client got."""


@runtime_checkable
class CanSignal(Protocol):
    """A supervised worker that a signal can be sent to."""

    def signal(self, signum: signal.Signals) -> Any:
        """Send the signal; return the incarnation that got it, with ``index`` and ``pid``."""

    def death(self) -> str | None:
        """Return why no further incarnation will come; None while they go on."""


@runtime_checkable
class CanMisbehave(Protocol):
    """A dependency that follows rules."""

    def put_rules(self, rules: Any, default: Any) -> None:
        """Replace the rules in force."""

    def rules(self) -> Any:
        """Return ``rules`` and ``default`` in force."""

    def release(self, how: str) -> int:
        """End every call that hangs now by "reset" or "answer"; return how many there were."""


@dataclass(frozen=True, slots=True)
class FaultContext:
    """The parts of one trial. ``time_scale`` is the scenario's: it divides a fault's settings in incident time.

    A fault types the part that it needs by its own protocol; ``harness.faults.registry`` has made sure that the part
    can do it.
    """

    link: Any  # the worker's to the broker
    broker: Any
    database: Any  # None where the worker has none that the harness can reach
    worker: Any  # the supervisor
    dependency: Any
    time_scale: float

    def real_ms(self, incident_s: float) -> int:
        """Return incident seconds as whole real milliseconds, at least one for any time that is not zero."""
        return max(1, round(incident_s / self.time_scale * 1000)) if incident_s > 0 else 0
