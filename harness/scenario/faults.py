"""The faults that a phase may name, each with its settings: one model a fault, told apart by the field ``fault``.

Used by ``harness.scenario.model``; ``harness.faults`` has a file of the same name for each, which puts it in force.
Durations are incident time. ``for`` runs by the phase's clock; every other duration is divided by the scenario's
``time_scale``, as the worker's timers are. Bytes are never scaled. When each is applied is ``fault_schedule``'s affair.
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from harness.scenario.mem0 import Mem0Rule, Mem0Rules
from harness.scenario.strict import DurationS, RatePerS, SizeBytes, Strict, TimeOfDayS

OCCURRENCES_MAX = 200  # of one entry: more than that is a rate mistaken

# "upstream" is from the worker to the broker, "downstream" from the broker to the worker.
Stream = Literal["upstream", "downstream", "both"]
Positive = Annotated[DurationS, Field(gt=0)]


class Timed(Strict):
    """When a fault comes: once, or drawn from the scenario's seed at ``rate`` over a stretch."""

    part: ClassVar[str]  # what it is done to
    alone: ClassVar[bool] = True  # no two faults on one part at once; toxics on a link do not disturb each other

    at: TimeOfDayS | None = None
    after: DurationS | None = None  # since the phase's beginning; 0 where neither is given
    rate: RatePerS | None = None
    over: DurationS | None = None

    @model_validator(mode="after")
    def _times_agree(self) -> Self:
        if self.at is not None and self.after is not None:
            raise ValueError("name at most one of at (a time of day) and after (a duration since the phase began)")
        if (self.rate is None) != (self.over is None):
            raise ValueError("rate and over belong together: how often, and for how long a stretch")
        if self.rate is not None and self.over is not None:
            if not 0 < self.rate * self.over <= OCCURRENCES_MAX:
                raise ValueError(f"rate times over asks for {self.rate * self.over:g} times; 1 to {OCCURRENCES_MAX}")
            if self.over <= self.lasts_s:
                raise ValueError("over is no longer than one fault lasts: lengthen it")
        return self

    @property
    def lasts_s(self) -> float:
        """How long one occurrence is to stay in force, in incident seconds; 0 for what is over when it is done."""
        return 0.0

    @property
    def stretch_s(self) -> float:
        """How long the whole entry takes, in incident seconds."""
        return self.over if self.over is not None else self.lasts_s


class Lasting(Timed):
    """A fault that stays in force ``for`` so long, and is then healed."""

    for_: Annotated[Positive, Field(alias="for")]

    @property
    def lasts_s(self) -> float:
        """The field ``for``."""
        return self.for_


class Pulsed(Lasting):
    """A fault that comes and goes for a while; stretches are drawn between half and one and a half times as asked."""

    @property
    @abstractmethod
    def pulse_s(self) -> tuple[float, float]:
        """How long a pulse lasts, and how long it stays away, in incident seconds."""

    @model_validator(mode="after")
    def _pulses_are_few(self) -> Self:
        most = self.lasts_s / sum(self.pulse_s) * 2 * max(1.0, (self.rate or 0) * (self.over or 0))
        if most > OCCURRENCES_MAX:
            raise ValueError(f"that is up to {most:.0f} pulses; at most {OCCURRENCES_MAX}: lengthen them")
        return self


class _Toxic(Lasting):
    part: ClassVar[str] = "broker link"
    alone: ClassVar[bool] = False
    stream: Stream = "both"


class LinkLatency(_Toxic):
    """Everything on the worker's link to the broker arrives later."""

    fault: Literal["link_latency"]
    latency: Positive
    jitter: DurationS = 0.0  # more or less, drawn anew for each chunk by the proxy


class LinkBandwidth(_Toxic):
    """The link carries no more than so many bytes a second of real time."""

    fault: Literal["link_bandwidth"]
    per_second: Annotated[SizeBytes, Field(ge=1000)]


class LinkStalled(_Toxic):
    """Nothing passes, nothing is lost, nobody is told: the link hangs in silence and goes on where it stopped."""

    fault: Literal["link_stalled"]


class LinkTimeout(_Toxic):
    """What is sent is thrown away; a connection without traffic for ``timeout`` is closed, at 0 none before healing."""

    fault: Literal["link_timeout"]
    timeout: DurationS = 0.0


class LinkSliced(_Toxic):
    """The stream arrives in small slices, each a little later than the one before."""

    fault: Literal["link_sliced"]
    size: Annotated[SizeBytes, Field(ge=1)]
    delay: DurationS = 0.0


class LinkReset(Lasting):
    """Open connections are closed, and every new one is answered with a reset."""

    part: ClassVar[str] = "broker link"
    fault: Literal["link_reset"]


class LinkCut(Lasting):
    """Open connections are closed, and new ones refused."""

    part: ClassVar[str] = "broker link"
    fault: Literal["link_cut"]


class LinkFlapping(Pulsed):
    """The link is cut and comes back, again and again, each time for a stretch drawn around ``down`` and ``up``."""

    part: ClassVar[str] = "broker link"
    fault: Literal["link_flapping"]
    up: Positive
    down: Positive

    @property
    def pulse_s(self) -> tuple[float, float]:
        """The fields ``down`` and ``up``."""
        return self.down, self.up


class BrokerKilled(Lasting):
    """SIGKILL to the broker's node, as a crash would; healing starts it again with its data."""

    part: ClassVar[str] = "broker"
    fault: Literal["broker_killed"]


class BrokerRestarted(Lasting):
    """The broker shuts down in good order, and is started again."""

    part: ClassVar[str] = "broker"
    fault: Literal["broker_restarted"]


class BrokerMemoryAlarm(Lasting):
    """The broker raises its memory alarm: publishers are blocked, consumers are not."""

    part: ClassVar[str] = "broker"
    fault: Literal["broker_memory_alarm"]


class DatabaseDown(Lasting):
    """Every statement on the events fails at once. PostgreSQL cuts all connections off and lets none in."""

    part: ClassVar[str] = "database"
    fault: Literal["database_down"]


class DatabaseLocked(Lasting):
    """Somebody holds a lock on the events: nobody else can write, and waits until his own limit."""

    part: ClassVar[str] = "database"
    fault: Literal["database_locked"]


class DatabaseSlow(Pulsed):
    """The lock is held in pulses drawn around ``held`` and ``free``, so that writes take long."""

    part: ClassVar[str] = "database"
    fault: Literal["database_slow"]
    held: Positive
    free: Positive

    @property
    def pulse_s(self) -> tuple[float, float]:
        """The fields ``held`` and ``free``."""
        return self.held, self.free


class WorkerKilled(Timed):
    """SIGKILL to the worker: no chance to end anything."""

    part: ClassVar[str] = "worker"
    fault: Literal["worker_killed"]


class WorkerTerminated(Timed):
    """SIGTERM to the worker, and SIGKILL where it has not ended after ``grace``: what a deployment does."""

    part: ClassVar[str] = "worker"
    fault: Literal["worker_terminated"]
    grace: Positive = 30.0


class WorkerFrozen(Lasting):
    """SIGSTOP to the worker for a while, then SIGCONT: a process that gets no processor."""

    part: ClassVar[str] = "worker"
    fault: Literal["worker_frozen"]


class Mem0Misbehaves(Lasting):
    """pika-mem0 follows these rules for a while, then those that were in force before."""

    part: ClassVar[str] = "pika-mem0"
    fault: Literal["mem0_misbehaves"]
    default: Mem0Rule = Mem0Rule(mode="answer", latency="healthy")
    rules: tuple[Mem0Rule, ...] = ()

    @model_validator(mode="after")
    def _are_rules(self) -> Self:
        self.as_rules()
        return self

    def as_rules(self) -> Mem0Rules:
        """Return the same as a phase would have it. Raises ValueError where they are no rules."""
        return Mem0Rules(default=self.default, rules=self.rules)


def _name_of(value: object) -> str:
    name = value.get("fault") if isinstance(value, dict) else getattr(value, "fault", None)
    return str(name)


Fault = Annotated[
    Annotated[LinkLatency, Tag("link_latency")]
    | Annotated[LinkBandwidth, Tag("link_bandwidth")]
    | Annotated[LinkStalled, Tag("link_stalled")]
    | Annotated[LinkTimeout, Tag("link_timeout")]
    | Annotated[LinkSliced, Tag("link_sliced")]
    | Annotated[LinkReset, Tag("link_reset")]
    | Annotated[LinkCut, Tag("link_cut")]
    | Annotated[LinkFlapping, Tag("link_flapping")]
    | Annotated[BrokerKilled, Tag("broker_killed")]
    | Annotated[BrokerRestarted, Tag("broker_restarted")]
    | Annotated[BrokerMemoryAlarm, Tag("broker_memory_alarm")]
    | Annotated[DatabaseDown, Tag("database_down")]
    | Annotated[DatabaseLocked, Tag("database_locked")]
    | Annotated[DatabaseSlow, Tag("database_slow")]
    | Annotated[WorkerKilled, Tag("worker_killed")]
    | Annotated[WorkerTerminated, Tag("worker_terminated")]
    | Annotated[WorkerFrozen, Tag("worker_frozen")]
    | Annotated[Mem0Misbehaves, Tag("mem0_misbehaves")],
    Discriminator(
        _name_of,
        custom_error_type="unknown_fault",
        custom_error_message="'fault' must name a fault; `harness list --faults` prints them with their settings",
    ),
]
FAULTS: dict[str, type[Timed]] = {
    get_args(branch)[1].tag: get_args(branch)[0] for branch in get_args(get_args(Fault)[0])
}


def begins_s(fault: Timed, from_s: float) -> float:
    """Return when the entry begins, in incident seconds since its phase did, which began at ``from_s``."""
    return fault.at - from_s if fault.at is not None else fault.after or 0.0


def check_faults_fit(faults: tuple[Fault, ...], from_s: float, to_s: float) -> None:
    """Raise ValueError where a fault does not lie in its phase, or two meet on one part."""
    for place, fault in enumerate(faults):
        begin_s = begins_s(fault, from_s)
        if begin_s < 0 or begin_s + fault.stretch_s > to_s - from_s or begin_s >= to_s - from_s:
            raise ValueError(f"faults.{place}: {fault.fault} does not lie within its phase: it is healed by its end")
    single = sorted((fault for fault in faults if fault.alone), key=lambda fault: (fault.part, begins_s(fault, from_s)))
    for first, second in pairwise(single):
        if first.part == second.part and begins_s(first, from_s) + first.stretch_s > begins_s(second, from_s):
            raise ValueError(
                f"faults: {second.fault} begins before {first.fault} has healed, both on the {first.part}; move one"
            )
