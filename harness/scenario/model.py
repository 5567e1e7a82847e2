"""The model of a scenario: its workload, phase by phase, its arms, and the rules that hold between its parts.

Used by everyone who plays or judges a scenario. Validation happens here, once; everyone after reads plain numbers.
Times are incident time until ``scale_of`` divides them. The model plays nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from harness.faults.dependency import DependencyRules
from harness.faults.fault import check_faults_fit
from harness.faults.registry import AnyFault
from harness.fields.quantities import parse_bytes
from harness.fields.strict import DurationS, Name, Number, RatePerS, SizeBytes, Strict, TimeOfDayS, Whole
from harness.incidents import DEFAULT, incident, incident_names
from harness.message_ids import SEED_MAX
from harness.protocols.payload import BODY_BYTES_MAX, BODY_BYTES_MIN
from harness.record import PROFILED_SUFFIX, KillScope
from harness.scenario.arms import Arm, WorkerSpec, check_arm
from harness.scenario.broker_settings import BrokerSettings
from harness.scenario.expectations import Surroundings
from harness.scenario.reported import Reported

__all__ = ["Arm", "Burst", "EndsWhen", "Messages", "Phase", "Scenario", "WorkerSpec"]

# 300 GB at 3 MB, beyond any disk this is run on: a typing error is caught before it is published.
MESSAGES_MAX = 100_000
INTERPRETER_BYTES = 90 * 2**20  # a Python worker before its first message: these bytes do not shrink with the messages
TIME_SCALE_MAX = 3600  # an hour a second: faster, and no timer of the worker's is longer than its own overhead
RESTARTS_MAX = 100  # a worker that ends by itself after so many messages is started again as often
JOBS_MAX = 8  # retry jobs at once; more have nothing to divide on a machine of a few cores

TimeScale = Annotated[Number, Field(gt=0, le=TIME_SCALE_MAX)]


class Burst(Strict):
    """A fixed number of messages, offered evenly over a stretch of incident time from the phase's start."""

    burst: Annotated[Whole, Field(ge=1, le=MESSAGES_MAX)]
    over: DurationS


def _kind_of_arrivals(value: object) -> str:
    return "burst" if isinstance(value, dict | Burst) else "rate"


# Messages per second of incident time, or a burst.
Arrivals = Annotated[
    Annotated[RatePerS, Tag("rate")] | Annotated[Burst, Tag("burst")], Discriminator(_kind_of_arrivals)
]


class EndsWhen(Strict):
    """What ends a phase before its time. The clock then goes straight to the next phase's beginning."""

    restarts: Annotated[Whole, Field(ge=1)] | None = None  # of the worker, counted from the trial's start
    drained: Literal[True] | None = None  # every queue is empty and the worker idle

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.restarts is None) == (self.drained is None):
            raise ValueError("name exactly one of restarts, drained")
        return self


class Phase(Strict):
    """One stretch of the timeline."""

    phase: Name
    from_: Annotated[TimeOfDayS, Field(alias="from")]
    to: TimeOfDayS
    time_scale: TimeScale | None = None  # the clock's, where it differs from the scenario's
    arrivals: Arrivals = 0.0
    copies: Annotated[Whole, Field(ge=1, le=10)] = 1  # how often each message of the phase is published
    poison: tuple[Name, ...] = ()  # the incident's kinds: one message of each, spread over the phase
    dependency: DependencyRules | None = None  # None: as in the phase before
    faults: tuple[AnyFault, ...] = ()  # each at its time, for its time
    ends_when: EndsWhen | None = None

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.to <= self.from_:
            raise ValueError("a phase ends after it begins: 'to' must be later than 'from'")
        if isinstance(self.arrivals, Burst) and self.arrivals.over > self.to - self.from_:
            raise ValueError("the burst is longer than its phase: shorten 'over' or lengthen the phase")
        check_faults_fit(self.faults, self.from_, self.to)
        return self

    @property
    def messages_planned(self) -> int:
        """How many messages the phase asks for, about: the schedule rounds after its own clock."""
        if isinstance(self.arrivals, Burst):
            return self.arrivals.burst + len(self.poison)
        return round(self.arrivals * (self.to - self.from_)) + len(self.poison)


class LoadPath(Strict):
    """Which way messages take: straight to the broker, or over HTTP through the ingress of the incident."""

    via: Literal["amqp", "api"] = "amqp"


class Messages(Strict):
    """Sizes of the published bodies; drawn evenly between the two."""

    size_min: SizeBytes
    size_max: SizeBytes
    publishers: Annotated[Whole, Field(ge=1, le=64)] = 4

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not BODY_BYTES_MIN <= self.size_min <= self.size_max <= BODY_BYTES_MAX:
            raise ValueError("sizes need 1 KiB <= size_min <= size_max <= 128 MiB (RabbitMQ's largest message)")
        return self


class MemoryLimitSpec(Strict):
    """The memory limit of the worker's container, and what is killed where it is hit: Kubernetes has had both.

    ``process``: the kernel takes one process, and the container goes on without it (cgroup v1, and version 2 before
    kubelet 1.28). ``container``: all its processes go (``memory.oom.group``; on version 1 the supervisor does that).
    """

    size: SizeBytes
    kills: KillScope = KillScope.PROCESS


def _as_limit(value: object) -> object:
    """Return a size alone as the limit that it stands for."""
    if isinstance(value, dict | MemoryLimitSpec):
        return value
    return MemoryLimitSpec.model_construct(size=parse_bytes(value), kills=KillScope.PROCESS)


class Restarts(Strict):
    """What the supervisor does when the worker ends by itself: start it again, later each time."""

    backoff: DurationS = 10.0  # incident time before the first restart; doubles each time, as the supervisor's does
    limit: Annotated[Whole, Field(ge=0, le=RESTARTS_MAX)] = 5


class Drained(Strict):
    """What happens once the timeline is over, before the ledger is closed."""

    retry_job: bool = False  # of a preset: run at the times for which its events were deferred, until none is left
    jobs: Annotated[Whole, Field(ge=1, le=JOBS_MAX)] = 1  # at once, as when cron begins one before the last is through
    dependency: DependencyRules = DependencyRules()  # what it does meanwhile; nothing is wrong with it by default

    @model_validator(mode="after")
    def _is_of_the_retry_job(self) -> Self:
        if not self.retry_job and (self.jobs, self.dependency) != (1, DependencyRules()):
            raise ValueError("jobs and dependency are the retry job's: add retry_job: true, or leave them out")
        return self


class Scenario(Strict):
    """A whole scenario, validated."""

    name: Name
    claim: Annotated[str, Field(min_length=10)]
    incident: str = DEFAULT  # a package of ``harness.incidents``: whose payload, worker and outcomes; or none
    quick: bool = False  # played by `harness verify --quick` too
    seed: Annotated[Whole, Field(ge=0, le=SEED_MAX)] = 1
    time_scale: TimeScale = 20.0
    memory_limit: Annotated[MemoryLimitSpec, BeforeValidator(_as_limit)]
    messages: Messages
    load: LoadPath = LoadPath()
    broker: BrokerSettings = BrokerSettings()
    timeline: Annotated[tuple[Phase, ...], Field(min_length=1)]
    restarts: Restarts = Restarts()
    drain_at_most: DurationS = 120.0  # real time: how long the queues may take to empty once the timeline is over
    drain: Drained = Drained()
    arms: Annotated[dict[Name, Arm], Field(min_length=1)]
    reported: Reported = Reported()

    @model_validator(mode="after")
    def _is_of_its_incident(self) -> Self:
        if self.incident not in incident_names():
            raise ValueError(f"incident: there are {', '.join(incident_names())} (is {self.incident!r})")
        facts = incident(self.incident)
        for place, phase in enumerate(self.timeline):
            if foreign := sorted({*phase.poison} - {*facts.poisons}):
                there_are = f"the incident {facts.name} has {', '.join(facts.poisons)}"
                raise ValueError(f"timeline.{place}.poison: no kind is named {foreign[0]!r}; {there_are}")
        if self.load.via == "api" and not facts.has_ingress:
            raise ValueError(f"load.via: the incident {facts.name} has no API for messages; leave it out")
        for metric in self.reported.metrics:
            if metric.measure not in facts.measures:
                there_are = ", ".join(facts.measures) or "none"
                raise ValueError(f"reported.metrics: no measure {metric.measure!r}; there are {there_are}")
        for name, arm in self.arms.items():
            try:
                check_arm(arm, facts)
            except ValueError as error:
                raise ValueError(f"arms.{name}: {error}") from error
        return self

    @model_validator(mode="after")
    def _timeline_goes_on(self) -> Self:
        names = [phase.phase for phase in self.timeline]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"timeline: the phase name {twice[0]!r} stands twice; name each phase once")
        for before, after in pairwise(self.timeline):
            if after.from_ < before.to:
                raise ValueError(f"timeline: phase {after.phase!r} begins before {before.phase!r} ends")
        if self.messages_planned > MESSAGES_MAX:
            raise ValueError(f"timeline: {self.messages_planned} messages planned; at most {MESSAGES_MAX}")
        return self

    @model_validator(mode="after")
    def _limits_can_be_kept(self) -> Self:
        if self.limit_bytes <= INTERPRETER_BYTES:
            raise ValueError(f"memory_limit: a worker takes {INTERPRETER_BYTES // 2**20} MiB before its first message")
        if self.drain_at_most <= 0:
            raise ValueError("drain_at_most: draining takes time; the default is 120s")
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        for name, arm in self.arms.items():
            if name.endswith(PROFILED_SUFFIX):
                raise ValueError(f"arms.{name}: {PROFILED_SUFFIX!r} is the harness's own ending; choose another name")
            around = Surroundings(
                phases=tuple(phase.phase for phase in self.timeline),
                other_arms=frozenset(self.arms) - {name},
                memory_limit_bytes=self.limit_bytes,
                restarts_max=self.restarts.limit,
                has_minute_table=bool(self.reported.points),
            )
            for misfit in arm.expect.misfits(around):
                raise ValueError(f"arms.{name}.expect.{misfit}")
        for point in self.reported.points:
            if not any(phase.from_ <= point.at < phase.to for phase in self.timeline):
                raise ValueError("reported.points: every point must lie in a phase of the timeline")
        return self

    @property
    def limit_bytes(self) -> int:
        """The memory limit's size."""
        return self.memory_limit.size

    def scale_of(self, phase: Phase) -> float:
        """Incident seconds per replay second in ``phase``."""
        return phase.time_scale or self.time_scale

    @property
    def messages_planned(self) -> int:
        """How many messages the timeline asks for, about: rates are rounded phase by phase."""
        return sum(phase.messages_planned for phase in self.timeline)
