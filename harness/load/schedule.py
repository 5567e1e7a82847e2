"""The arrival schedule: which message is wanted when, decided before the first one is sent.

Used by whoever writes a load plan. Pure: the same phases, seed and sizes give the same arrivals on every machine. It
knows no broker and no clock.

The load is an *open loop*: arrivals do not wait for one another, so a slow broker cannot slow the workload down and
hide its own latency. Times are replay seconds. Each phase draws from a random stream of its own, so that changing one
phase leaves the others' arrivals where they were.
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.message_ids import PREFIX, message_id
from harness.scenario.model import MESSAGES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.protocols.payload import PayloadSizes

# What the broker may have to keep on its disk at once; two minutes at the 350 MB/s of one loopback connection.
BYTES_MAX = 40 * 10**9
PHASES_MAX = 1_000  # a timeline is written by hand; more is a program gone wrong


@dataclass(frozen=True, slots=True)
class Constant:
    """Evenly spaced arrivals, ``rate_per_s`` for each replay second."""

    rate_per_s: float


@dataclass(frozen=True, slots=True)
class Poisson:
    """Independent arrivals, ``rate_per_s`` for each replay second on average: what unrelated callers look like."""

    rate_per_s: float


@dataclass(frozen=True, slots=True)
class Burst:
    """Exactly ``count`` arrivals, evenly over ``over_s`` replay seconds from the phase's start; 0 is all at once."""

    count: int
    over_s: float


@dataclass(frozen=True, slots=True)
class ArrivalPhase:
    """One stretch of the workload, in replay seconds. Phases may overlap: their arrivals add up."""

    name: str
    start_s: float
    end_s: float
    kind: Constant | Poisson | Burst
    copies: int = 1
    poison: tuple[str, ...] = ()  # the incident's kinds, one message each, evenly over the phase


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that is wanted: when, under which name, made from which template of the pool."""

    intended_s: float  # replay seconds, whole microseconds
    message_id: str
    template: int  # index into the pool; of no meaning for poison
    copies: int = 1  # how often the same message is published
    poison: str | None = None  # one of the incident's kinds, in place of a body of the pool


def build_schedule(
    phases: Sequence[ArrivalPhase], *, seed: int, sizes: PayloadSizes, id_prefix: str = PREFIX
) -> tuple[Arrival, ...]:
    """Return all arrivals of ``phases``, sorted by time, their ids numbered in that order.

    Raises UsageError for a phase that makes no sense, and for a workload beyond ``MESSAGES_MAX`` or ``BYTES_MAX`` (at
    the sizes' maximum).
    """
    if len(phases) > PHASES_MAX:
        raise UsageError(f"{len(phases)} arrival phases: at most {PHASES_MAX} are played; merge some")
    for phase in phases:
        _check_phase(phase)
    _check_volume(sum(_expected_count(phase) for phase in phases), sizes)
    wanted: list[tuple[float, int, str]] = []
    for index, phase in enumerate(phases):
        times = _draw(phase, random.Random(f"{seed}:arrivals:{index}:{phase.name}"))
        wanted += [(round(time_s, 6), phase.copies, "") for time_s in times]
        wanted += [(round(time_s, 6), phase.copies, kind) for time_s, kind in _spread(phase)]
    _check_volume(sum(copies for _, copies, _ in wanted), sizes)
    rng = random.Random(f"{seed}:templates")
    return tuple(
        Arrival(time_s, message_id(seed, index, id_prefix), rng.randrange(sizes.templates), copies, kind or None)
        for index, (time_s, copies, kind) in enumerate(sorted(wanted))
    )


def schedule_hash(arrivals: Iterable[Arrival]) -> str:
    """Return the SHA-256 of the schedule, in hex: two runs with the same one had the same workload."""
    digest = hashlib.sha256()
    for arrival in arrivals:
        digest.update(f"{arrival.intended_s:.6f} {arrival.message_id} {arrival.template}".encode())
        if arrival.copies != 1 or arrival.poison is not None:
            digest.update(f" {arrival.copies} {arrival.poison}".encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _spread(phase: ArrivalPhase) -> Iterator[tuple[float, str]]:
    """Yield (time, kind) of each poison message of a phase, in the middle of its share of it."""
    share_s = (phase.end_s - phase.start_s) / max(1, len(phase.poison))
    for number, kind in enumerate(phase.poison):
        yield phase.start_s + (number + 0.5) * share_s, kind


def _draw(phase: ArrivalPhase, rng: random.Random) -> list[float]:
    """Return the arrival times of one phase, in order. The counts are already known to be bounded."""
    match phase.kind:
        case Burst(count, over_s):
            return [phase.start_s + over_s * index / count for index in range(count)]
        case Constant(rate_per_s):
            # In the middle of its interval each, so that short phases of low rates neither gain nor lose on average.
            count = round(rate_per_s * (phase.end_s - phase.start_s))
            return [min(phase.start_s + (index + 0.5) / rate_per_s, phase.end_s) for index in range(count)]
        case Poisson(rate_per_s):
            times: list[float] = []
            time_s = phase.start_s
            while rate_per_s > 0 and len(times) <= MESSAGES_MAX:
                time_s += rng.expovariate(rate_per_s)
                if time_s >= phase.end_s:
                    break
                times.append(time_s)
            return times


def _expected_count(phase: ArrivalPhase) -> float:
    if isinstance(phase.kind, Burst):
        return phase.kind.count
    return phase.kind.rate_per_s * (phase.end_s - phase.start_s)


def _check_phase(phase: ArrivalPhase) -> None:
    named = f"arrival phase {phase.name!r}"
    if not 0 <= phase.start_s < phase.end_s < math.inf:
        raise UsageError(f"{named} runs from {phase.start_s} s to {phase.end_s} s: use 0 <= start < end")
    match phase.kind:
        case Burst(count, over_s):
            if count < 0:
                raise UsageError(f"{named} has a burst of {count} messages: use 0 or more")
            if not 0 <= over_s <= phase.end_s - phase.start_s:
                raise UsageError(
                    f"{named} lasts {phase.end_s - phase.start_s:g} s, its burst {over_s} s:"
                    " use 0 up to the phase's length"
                )
        case Constant(rate_per_s) | Poisson(rate_per_s):
            if not 0 <= rate_per_s < math.inf:
                raise UsageError(f"{named} has a rate of {rate_per_s} messages/s: use a number, 0 or more")


def _check_volume(messages: float, sizes: PayloadSizes) -> None:
    if messages > MESSAGES_MAX:
        raise UsageError(
            f"the phases ask for {messages:.0f} messages; at most {MESSAGES_MAX} are published: lower a rate or a burst"
        )
    volume_bytes = messages * sizes.max_bytes
    if volume_bytes > BYTES_MAX:
        raise UsageError(
            f"{messages:.0f} messages of up to {sizes.max_bytes} bytes are {volume_bytes / 1e9:.1f} GB;"
            f" at most {BYTES_MAX / 1e9:.0f} GB are published: lower a rate, a burst or the sizes"
        )
