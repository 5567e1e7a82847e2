"""What one trial leaves behind: events, phases, and everything that was recorded of its worker and its messages.

Part of ``harness.record``, whose conventions of time and size hold here. A value is what was seen, never a judgement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.record.worker import MemorySeries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.record.heap import HeapSummary
    from harness.record.messages import (
        ChannelSeen,
        ConnectionSeen,
        DependencyCall,
        Outcome,
        Publish,
        QueueLeft,
        QueueSample,
    )
    from harness.record.worker import Alert, Incarnation, Limit, ProcessSample, WorkerGauge

Scalar = str | int | float | bool | None


class Role(StrEnum):
    """What an arm is there for. ``docs/glossary.md`` maps roles, presets and behaviours to one another."""

    BEFORE = "before"  # the original worker, which must show the incident
    REPORTED = "reported"  # the fix to the letter of the report, which must show what is expected, its holes included
    AFTER = "after"  # the hardened worker, which has to hold
    PROFILED = "profiled"  # an arm's repeat under memray, which carries no verdict
    UNKNOWN = "unknown"  # a trial that was cut off before it said so


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a trial, as ``events.jsonl`` holds it."""

    t_s: float
    kind: str  # e.g. "phase_entered", "worker_started", "fault_in_force"
    data: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """One phase of the timeline as it was really played: replay interval beside incident interval."""

    name: str
    start_s: float
    end_s: float
    from_tod_s: float  # incident time at start_s, seconds since midnight
    to_tod_s: float  # incident time at which the next phase begins
    scale: float  # incident seconds per replay second, inside the phase


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """One occurrence of a fault, from when it was requested to when it was seen healed."""

    key: str  # names the occurrence: the phase, its place in the phase's list, its number
    fault: str
    settings: str  # for people
    requested_s: float
    in_force_s: float | None  # None: never seen in force
    healed_s: float | None  # None: never seen healed
    seen: str = ""  # how its effect was seen
    failure: str = ""  # what went wrong, in a sentence; empty where nothing did

    @property
    def is_phase_rules(self) -> bool:
        """Whether it is a phase's own rules for the dependency, and no entry of its list of faults."""
        return self.key.endswith(".dependency")

    @property
    def entry(self) -> str:
        """The entry of the scenario that it is an occurrence of."""
        return self.key.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Drain:
    """Whether the trial ended with everything settled. Only then is an account of messages sound."""

    complete: bool
    waited_s: float
    last_seen: str  # what was still open when the wait ended


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """All that one trial left behind. A partial run has a partial record: empty tuples, ``drain`` None."""

    arm: str
    role: Role
    limit: Limit | None
    phases: tuple[PhaseSpan, ...] = ()
    incarnations: tuple[Incarnation, ...] = ()
    memory: MemorySeries = field(default_factory=MemorySeries.empty)
    processes: tuple[ProcessSample, ...] = ()
    queue: tuple[QueueSample, ...] = ()
    channels: tuple[ChannelSeen, ...] = ()
    connections: tuple[ConnectionSeen, ...] = ()
    gauges: tuple[WorkerGauge, ...] = ()
    publishes: tuple[Publish, ...] = ()
    planned_messages: int = 0
    calls: tuple[DependencyCall, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    queues: tuple[QueueLeft, ...] | None = None  # None: nobody looked, so what they held is not known
    alerts: tuple[Alert, ...] = ()
    events: tuple[Event, ...] = ()
    faults: tuple[FaultSpan, ...] = ()
    drain: Drain | None = None
    damaged: tuple[str, ...] = ()  # files or lines that could not be read, each said in a sentence
    links: tuple[tuple[str, str], ...] = ()  # (label, path relative to the run directory) of memray pages and logs
    heaps: tuple[HeapSummary, ...] = ()  # of a profiled arm, one an incarnation whose capture could be read
    cpu_share: float | None = None  # processor seconds of the first incarnation in a real second; None: not recorded
    start_mono_s: float = 0.0  # replay time zero on the machine's monotonic clock
    outcomes_stored: bool = True  # the worker has a store that the harness can read; False: judged from outside

    @property
    def effective_prefetch(self) -> tuple[int, ...]:
        """What each channel that consumed could hold, in the order in which they were seen; 0 is unlimited."""
        return tuple(seen.holds_at_most for seen in self.channels)
