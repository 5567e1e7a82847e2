"""Faults of the worker's link to the broker: late, narrow, stalled, lossy, sliced, reset, cut, flapping.

Those that are one toxic each are seen in what the proxy reports; the others by a connection of our own. ``stream`` is
"upstream" (from the worker to the broker), "downstream" or "both". Bytes are never scaled.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

from pydantic import Field

from harness.connection_attempt import ConnectionAttempt, attempt_connection
from harness.errors import NotEnforceableError
from harness.faults.context import CanCarryToxics, FaultContext, Part
from harness.faults.fault import LastingFault, Positive, PulsedFault
from harness.fields.strict import DurationS, SizeBytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

Stream = Literal["upstream", "downstream", "both"]
_STREAMS = ("upstream", "downstream")
_KB = 1000  # what Toxiproxy counts rates in
_MICROSECONDS = 1000  # in a millisecond


class _Toxic(Protocol):
    @property
    def name(self) -> str: ...


class _Link(CanCarryToxics, Protocol):
    @property
    def name(self) -> str: ...

    @property
    def listen(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    def toxics(self) -> Sequence[_Toxic]: ...


class _ToxicFault(LastingFault):
    part: ClassVar[Part] = "link"
    needs: ClassVar[type] = CanCarryToxics
    alone: ClassVar[bool] = False  # toxics on a link do not disturb each other

    stream: Stream = "both"


class LinkLatency(_ToxicFault):
    """Everything on the worker's link to the broker arrives later."""

    fault: Literal["link_latency"]
    latency: Positive
    jitter: DurationS = 0.0  # more or less, drawn anew for each chunk by the proxy

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Delay each direction of ``stream``."""
        attributes = {"latency": context.real_ms(self.latency), "jitter": context.real_ms(self.jitter)}
        return _toxic(context.link, "latency", self.stream, attributes)


class LinkBandwidth(_ToxicFault):
    """The link carries no more than so many bytes a second of real time."""

    fault: Literal["link_bandwidth"]
    per_second: Annotated[SizeBytes, Field(ge=1000)]

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Limit each direction of ``stream``."""
        return _toxic(context.link, "bandwidth", self.stream, {"rate": self.per_second // _KB})


class LinkStalled(_ToxicFault):
    """Nothing passes, nothing is lost, and neither side is notified: the link hangs, and goes on where it stopped."""

    silences: ClassVar[bool] = True
    fault: Literal["link_stalled"]

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Set a bandwidth of 0: the proxy takes and holds what is sent, and passes it on when it is healed."""
        return _toxic(context.link, "bandwidth", self.stream, {"rate": 0})


class LinkTimeout(_ToxicFault):
    """What is sent is thrown away; a connection without traffic for ``timeout`` is closed, at 0 none before healing."""

    silences: ClassVar[bool] = True
    fault: Literal["link_timeout"]
    timeout: DurationS = 0.0

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Drop what is sent. Unlike a stall this loses it, and healing closes the connections."""
        return _toxic(context.link, "timeout", self.stream, {"timeout": context.real_ms(self.timeout)})


class LinkSliced(_ToxicFault):
    """The stream arrives in small slices, each a little later than the one before."""

    fault: Literal["link_sliced"]
    size: Annotated[SizeBytes, Field(ge=1)]
    delay: DurationS = 0.0

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Cut what is sent into slices of about ``size``, give or take a half, each after ``delay``."""
        attributes = {
            "average_size": self.size,
            "size_variation": self.size // 2,
            "delay": round(self.delay / context.time_scale * 1000 * _MICROSECONDS),
        }
        return _toxic(context.link, "slicer", self.stream, attributes)


class LinkReset(LastingFault):
    """Open connections are closed, and every new one is answered with a reset."""

    part: ClassVar[Part] = "link"
    needs: ClassVar[type] = CanCarryToxics
    fault: Literal["link_reset"]

    @contextmanager
    def in_force(self, context: FaultContext) -> Iterator[str]:
        """Reset what is open and what comes; a connection of our own must break off.

        The toxic alone ends no connection that is idle, so the link is taken down and up once it is in force.
        """
        link: _Link = context.link
        with _toxic(link, "reset_peer", "both", {"timeout": 0}):
            link.set_enabled(False)
            link.set_enabled(True)
            if (seen := attempt_connection(link.host, link.port)) is not ConnectionAttempt.BROKEN_OFF:
                raise NotEnforceableError(f"the link {link.name} was to reset, and {link.listen} {seen.value}")
            yield f"a connection to {link.listen} breaks off"


class LinkCut(LastingFault):
    """Open connections are closed, and new ones refused."""

    part: ClassVar[Part] = "link"
    needs: ClassVar[type] = CanCarryToxics
    fault: Literal["link_cut"]

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Take the link down and up again."""
        return _cut(context.link)


class LinkFlapping(PulsedFault):
    """The link is cut and comes back, again and again, each time for a stretch drawn around ``down`` and ``up``."""

    part: ClassVar[Part] = "link"
    needs: ClassVar[type] = CanCarryToxics
    fault: Literal["link_flapping"]
    up: Positive
    down: Positive

    @property
    def pulse_s(self) -> tuple[float, float]:
        """The fields ``down`` and ``up``."""
        return self.down, self.up

    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Take the link down and up again, for one pulse."""
        return _cut(context.link)


@contextmanager
def _cut(link: _Link) -> Iterator[str]:
    """Take ``link`` down and up again; a connection is tried both times."""
    link.set_enabled(False)
    try:
        if (seen := attempt_connection(link.host, link.port)) is not ConnectionAttempt.REFUSED:
            raise NotEnforceableError(f"the link {link.name} was cut, and {link.listen} {seen.value}")
        yield f"{link.listen} refuses connections"
    finally:
        link.set_enabled(True)
    if attempt_connection(link.host, link.port) is ConnectionAttempt.REFUSED:
        raise NotEnforceableError(f"the link {link.name} was mended, and {link.listen} refuses connections")


@contextmanager
def _toxic(link: _Link, type_: str, stream: Stream, attributes: dict[str, int]) -> Iterator[str]:
    """Put a toxic on ``link``, in one direction or both; the proxy must report it, and afterwards no more."""
    with ExitStack() as stack:
        for direction in _STREAMS if stream == "both" else (stream,):
            name = _free_name(link, f"{type_}-{direction}")
            link.add_toxic(name, type_, direction, attributes=attributes)
            stack.callback(_remove, link, name)
        settings = " ".join(f"{key}={value}" for key, value in attributes.items())
        yield f"the proxy reports {type_} {settings} on {stream} of {link.name}"


def _free_name(link: _Link, wanted: str) -> str:
    """Return a name that no toxic of the link has: the same fault may be in force twice."""
    taken = {toxic.name for toxic in link.toxics()}
    return next(name for number in range(len(taken) + 1) if (name := f"{wanted}-{number}") not in taken)


def _remove(link: _Link, name: str) -> None:
    link.remove_toxic(name)
    if name in {toxic.name for toxic in link.toxics()}:
        raise NotEnforceableError(f"the proxy was to remove {name} from {link.name} and still reports it")
