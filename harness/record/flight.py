"""What a flight recorder left: samples of one incarnation of the worker, and where its threads were. Sizes are bytes.

Written by the worker itself, or from outside by ``harness.probes.outside_flight`` for a worker that has no recorder;
then what only the worker can know is None. Read by ``reports.analysis.postmortem``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FlightSample:
    """One sample. ``memory`` is by kind: ``rss, rss_peak, anon, file, shmem, cgroup, cgroup_anon, …``."""

    t_s: float
    memory: Mapping[str, int] = field(default_factory=dict)
    executor_queue: int | None = None
    in_flight: int | None = None
    bodies: int | None = None
    bodies_bytes: int | None = None
    exceptions: int | None = None
    call_ages_s: tuple[float, ...] = ()  # oldest first; real seconds
    gc_count: tuple[int, ...] = ()  # allocations towards the next collection of each generation
    gc_collections: tuple[int, ...] = ()  # collections of each generation so far
    process_cpu_s: float | None = None  # processor time of the whole process so far
    recorder_cpu_s: float | None = None  # processor time that the recorder's thread had used so far


@dataclass(frozen=True, slots=True)
class StackGroup:
    """Threads at the same place; frames innermost first, ``file:line function``."""

    threads: tuple[str, ...]
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StackSample:
    """Where every thread was at one moment."""

    t_s: float
    groups: tuple[StackGroup, ...]


@dataclass(frozen=True, slots=True)
class Flight:
    """All that was recorded of one incarnation, in order of time."""

    samples: tuple[FlightSample, ...] = ()
    stacks: tuple[StackSample, ...] = ()
    from_outside: bool = False  # recorded by the harness, since the worker has no recorder
    ended: bool = False  # the recorder itself saw the end coming
    damaged: tuple[str, ...] = ()  # what could not be read, each a sentence
