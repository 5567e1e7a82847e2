"""What a scenario expects of an arm: for each checker its thresholds.

Used by ``harness.scenario.model``, and read by the checkers of the same names in ``harness.checkers``. It judges
nothing.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.scenario.strict import Fraction, Name, Number, SizeBytes, Strict, Whole


class OomKilled(Strict):
    """The kernel kills the worker for memory, this often, and it is started again this often."""

    kills: Annotated[Whole, Field(ge=1)] = 1
    restarts: Annotated[Whole, Field(ge=0)] = 0
    peak_at_least: Fraction = 0.99  # of the limit, by the kernel's own high-water mark


class MemoryBudget(Strict):
    """The worker's highest memory stays within this: the cgroup's mark, and the resident set's where asked."""

    peak_at_most: SizeBytes
    rss_at_most: SizeBytes | None = None


class MemoryGrowth(Strict):
    """A thousand finished messages add no more than this to the resident set, after a warm-up."""

    per_1000_at_most: SizeBytes
    warm_up: Fraction = 0.1  # of the messages


class NeverKilled(Strict):
    """One life, ended by the harness."""


class AllAccounted(Strict):
    """Every confirmed message is processed, or failed with its retry scheduled."""


class Throughput(Strict):
    """Messages finished per second during these phases, which follow one another, as a multiple of another arm's."""

    against: Name
    at_least: Annotated[Number, Field(gt=0)]
    during: Annotated[tuple[Name, ...], Field(min_length=1)]


class ReturnsToHealthy(Strict):
    """At the end, once everything is drained, the worker's memory is back at the level it had before the storm."""

    at_most: SizeBytes


class ReturnsToBaseline(Strict):
    """Once everything is drained, memory is at most this far above its level in a phase before the storm."""

    baseline: Name
    above_at_most: SizeBytes


class EffectivePrefetch(Strict):
    """The prefetch that the broker says is in force; 0 is unlimited."""

    equals: Annotated[Whole, Field(ge=0)]


class Fidelity(Strict):
    """How near the memory curve comes to the report's minute table, before the burst and at the kill."""

    typical_factor_at_most: Annotated[Number, Field(gt=1)]


class Expect(Strict):
    """The expectations of one arm. What is left out is not expected."""

    oom_killed: OomKilled | None = None
    memory_budget: MemoryBudget | None = None
    memory_growth: MemoryGrowth | None = None
    never_killed: NeverKilled | None = None
    all_accounted: AllAccounted | None = None
    throughput: Throughput | None = None
    returns_to_healthy: ReturnsToHealthy | None = None
    returns_to_baseline: ReturnsToBaseline | None = None
    effective_prefetch: EffectivePrefetch | None = None
    fidelity: Fidelity | None = None
