"""What a scenario expects of an arm: for each checker its thresholds.

Used by ``harness.scenario.model``, and read by the checkers of the same names in ``harness.checkers``. It judges
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.fields.strict import DurationS, Fraction, Name, Number, SizeBytes, Strict, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator


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


class OverBudget(Strict):
    """The worker's highest memory goes at least this far: the remedy does not hold it. What `fixed` must never do."""

    peak_at_least: SizeBytes


class HungCallsBudget(Strict):
    """While at least so many calls of the memory API hang, the worker's resident set stays within this."""

    calls_at_least: Annotated[Whole, Field(ge=1)] = 10
    peak_at_most: SizeBytes


class NeverKilled(Strict):
    """One incarnation, ended by the harness."""


class AllAccounted(Strict):
    """Every confirmed message is processed, or failed with its retry scheduled."""


class AllAnswered(Strict):
    """Every confirmed message was answered by pika-mem0 with a success and acknowledged, as seen from outside."""


class Loses(Strict):
    """Messages that the broker confirmed are lost, so many: what no retry job will ever see again."""

    messages_at_least: Annotated[Whole, Field(ge=1)]


class Deferred(Strict):
    """Messages are deferred: FAILED in the worker's own table, with this error code."""

    error_code: Annotated[str, Field(min_length=1, max_length=50)]
    messages_at_least: Annotated[Whole, Field(ge=1)]


class FailuresRecorded(Strict):
    """Every message whose calls all failed is FAILED with its retry scheduled, after no more calls than this."""

    messages_at_least: Annotated[Whole, Field(ge=1)] = 1  # fewer failures would be another workload
    calls_per_message_at_most: Annotated[Whole, Field(ge=1)]


class RetriesOpenAtMost(Strict):
    """While the retry jobs of the drain run, pika-mem0 has no more calls open than this, and they are no herd."""

    calls: Annotated[Whole, Field(ge=1)]
    events_at_least: Annotated[Whole, Field(ge=1)] = 1  # retried: fewer would be another herd


class Loops(Strict):
    """The same messages come again and again and none is finished, during these phases, which follow one another."""

    redeliveries_per_message_at_least: Annotated[Number, Field(gt=0)]
    finished_at_most: Annotated[Whole, Field(ge=0)] = 0
    during: Annotated[tuple[Name, ...], Field(min_length=1)]


class Repeats(Strict):
    """Work that was done already is done again: pika-mem0 answers well twice for so many messages."""

    messages_at_least: Annotated[Whole, Field(ge=1)]


class StandsStill(Strict):
    """No more than so many messages are finished during these phases, which follow one another."""

    finished_at_most: Annotated[Whole, Field(ge=0)] = 0
    during: Annotated[tuple[Name, ...], Field(min_length=1)]


class Processed(Strict):
    """At least this share of the confirmed messages is PROCESSED in the end, and not only accounted for."""

    share_at_least: Fraction


class Recovers(Strict):
    """Once this phase has begun, the backlog is gone within a time, and does not come back."""

    phase: Name
    within: DurationS


class AlertsAtMost(Strict):
    """The worker raises no more alerts than this, and at least one."""

    count: Annotated[Whole, Field(ge=1)]


class Throughput(Strict):
    """Messages finished per second during these phases, which follow one another, as a multiple of another arm's."""

    against: Name
    at_least: Annotated[Number, Field(gt=0)]
    during: Annotated[tuple[Name, ...], Field(min_length=1)]


class ReturnsToHealthy(Strict):
    """At the end, once everything is drained, the worker's memory is back at the level it had before the workload."""

    at_most: SizeBytes


class ReturnsToBaseline(Strict):
    """Once everything is drained, memory is at most this far above its level in a phase before the workload."""

    baseline: Name
    above_at_most: SizeBytes


class EffectivePrefetch(Strict):
    """The prefetch that the broker says is in force; 0 is unlimited."""

    equals: Annotated[Whole, Field(ge=0)]


class Fidelity(Strict):
    """How near the memory curve comes to the report's minute table, before the burst and at the kill."""

    typical_factor_at_most: Annotated[Number, Field(gt=1)]


_OF_A_FAULT = ("oom_killed", "over_budget", "loops", "stands_still", "repeats", "loses")


class Expect(Strict):
    """The expectations of one arm. What is left out is not expected."""

    oom_killed: OomKilled | None = None
    memory_budget: MemoryBudget | None = None
    memory_growth: MemoryGrowth | None = None
    over_budget: OverBudget | None = None
    hung_calls_budget: HungCallsBudget | None = None
    never_killed: NeverKilled | None = None
    all_accounted: AllAccounted | None = None
    all_answered: AllAnswered | None = None
    loses: Loses | None = None
    deferred: Deferred | None = None
    failures_recorded: FailuresRecorded | None = None
    retries_open_at_most: RetriesOpenAtMost | None = None
    loops: Loops | None = None
    repeats: Repeats | None = None
    stands_still: StandsStill | None = None
    processed: Processed | None = None
    recovers: Recovers | None = None
    alerts_at_most: AlertsAtMost | None = None
    throughput: Throughput | None = None
    returns_to_healthy: ReturnsToHealthy | None = None
    returns_to_baseline: ReturnsToBaseline | None = None
    effective_prefetch: EffectivePrefetch | None = None
    fidelity: Fidelity | None = None

    @property
    def sizes_bytes(self) -> Iterator[tuple[str, int]]:
        """The sizes that memory is compared with, each with the field it belongs to."""
        if self.memory_budget is not None:
            yield "memory_budget", self.memory_budget.peak_at_most
        if self.over_budget is not None:
            yield "over_budget", self.over_budget.peak_at_least
        if self.hung_calls_budget is not None:
            yield "hung_calls_budget", self.hung_calls_budget.peak_at_most
        if self.returns_to_healthy is not None:
            yield "returns_to_healthy", self.returns_to_healthy.at_most

    @property
    def stretches(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The phases that are looked at by themselves, each list with the field it belongs to."""
        if self.throughput is not None:
            yield "throughput.during", self.throughput.during
        if self.loops is not None:
            yield "loops.during", self.loops.during
        if self.stands_still is not None:
            yield "stands_still.during", self.stands_still.during
        if self.recovers is not None:
            yield "recovers.phase", (self.recovers.phase,)
        if self.returns_to_baseline is not None:
            yield "returns_to_baseline.baseline", (self.returns_to_baseline.baseline,)

    @property
    def of_a_worker_that_fails(self) -> tuple[str, ...]:
        """The names of those expectations that only a worker with a fault can meet."""
        return tuple(name for name in _OF_A_FAULT if getattr(self, name) is not None)
