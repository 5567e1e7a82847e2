"""The checks of memory: budgets to the byte, the level at the end, the limit; and of the prefetch."""

from typing import Any

import pytest

from harness.checkers.ends.kills import OomKilled
from harness.checkers.memory import budget, healthy
from harness.checkers.memory.budget import MemoryBudget
from harness.checkers.memory.healthy import ReturnsToHealthy
from harness.checkers.messages import prefetch
from harness.checkers.messages.prefetch import EffectivePrefetch
from harness.checkers.preconditions import memory_limit
from harness.record import MIB, Drain, Limit, MemorySeries, Verdict
from harness.record.facts import MemoryKind
from tests.drill_records import AFTER, BEFORE, LIMIT_BYTES, MB, case, channels, charged, incarnation, killed, memory

ONE_KILL = OomKilled(kills=1, restarts=1)
BUDGET = MemoryBudget(peak_at_most="300 MiB")
EMULATED = Limit("watchdog", emulated=True, limit_bytes=LIMIT_BYTES)


def using(own_bytes: float, file_bytes: float = 0.0) -> MemorySeries:
    """Return samples of a worker that uses so much, and whose file pages beside it the kernel can drop."""
    return charged(memory((0, 49, 0, own_bytes)), file_bytes)


class TestMemoryBudget:
    """``memory_budget``: the working set, as it was sampled and as high as it can have been between two samples."""

    def test_a_peak_of_exactly_the_budget_passes(self) -> None:
        """Guarantees that the budget itself is allowed, and that the peak is told by what it is made of."""
        result = budget.check(case(AFTER, memory=using(300 * MIB)), BUDGET)

        assert result.verdict is Verdict.PASS
        assert result.measured == "peak 300 MiB (working set)"
        assert result.detail == "At it: anonymous 300 MiB, file 0.0 MiB, kernel 0.0 MiB."

    def test_one_byte_above_fails_and_the_byte_is_said(self) -> None:
        """Guarantees that MiB in print never hide what was exceeded."""
        result = budget.check(case(AFTER, memory=using(300 * MIB + 1)), BUDGET)

        assert result.verdict is Verdict.FAIL
        assert result.detail.startswith("Working set 1 bytes above in incarnation 0.")

    def test_the_highest_of_all_incarnations_counts(self) -> None:
        """Guarantees that a quiet restart does not hide the incarnation before it."""
        two = (incarnation(), incarnation(1))
        high = memory((0, 20, 0, 301 * MIB), (21, 49, 1, 100 * MIB))
        assert budget.check(case(AFTER, incarnations=two, memory=high), BUDGET).verdict is Verdict.FAIL

    def test_file_pages_at_the_limit_are_not_the_workers(self) -> None:
        """Guarantees that a page cache which the kernel drops breaks no budget, and is named."""
        at_the_limit = incarnation(peak_cgroup_bytes=LIMIT_BYTES, peak_rss_bytes=60 * MIB)
        cached = using(60 * MIB, file_bytes=LIMIT_BYTES - 60 * MIB)
        result = budget.check(case(AFTER, incarnations=(at_the_limit,), memory=cached), BUDGET)

        assert result.verdict is Verdict.PASS
        assert result.measured == "peak 60 MiB (working set)"
        assert "was touched by file pages, which the kernel drops" in result.detail

    def test_the_whole_cgroup_can_be_bounded_too(self) -> None:
        """Guarantees that ``of: cgroup`` judges the kernel's own high-water mark, file pages included."""
        whole = MemoryBudget(peak_at_most="300 MiB", of=MemoryKind.CGROUP)
        assert budget.check(case(AFTER), whole).verdict is Verdict.PASS
        above = (incarnation(peak_cgroup_bytes=300 * MIB + 1),)
        assert budget.check(case(AFTER, incarnations=above), whole).verdict is Verdict.FAIL

    @pytest.mark.parametrize("kind", ["working_set", "anonymous", "rss"])
    def test_each_kind_is_judged_by_its_own_samples(self, kind: str) -> None:
        """Guarantees red and green for every kind that can be bounded."""
        expected = MemoryBudget(peak_at_most="300 MiB", of=MemoryKind(kind))
        assert budget.check(case(AFTER), expected).verdict is Verdict.PASS
        assert budget.check(case(AFTER, memory=using(301 * MIB)), expected).verdict is Verdict.FAIL

    def test_what_sampling_can_have_missed_is_unknown(self) -> None:
        """Guarantees that a mark above the budget, which no sample explains, is neither within it nor above."""
        result = budget.check(case(AFTER, incarnations=(incarnation(peak_cgroup_bytes=301 * MIB),)), BUDGET)

        assert result.verdict is Verdict.UNKNOWN
        assert result.detail.startswith("Between two samples it may have been 301 MiB")

    def test_who_was_killed_at_the_limit_had_nothing_to_drop(self) -> None:
        """Guarantees that the last moment before a kill, which no sample saw, counts."""
        dead = (killed(), incarnation(1))
        result = budget.check(case(AFTER, incarnations=dead), BUDGET)
        assert (result.verdict, result.measured) == (Verdict.FAIL, "peak 1000 MiB (working set)")

    def test_without_a_cgroup_the_resident_sets_are_judged_and_said(self) -> None:
        """Guarantees an honest label for a budget under the watchdog."""
        incarnations = (incarnation(peak_cgroup_bytes=None),)
        result = budget.check(case(AFTER, incarnations=incarnations), BUDGET)

        assert result.verdict is Verdict.PASS
        assert result.measured == "peak 290 MiB (resident sets)"

    def test_an_excess_that_was_seen_fails_even_where_another_mark_is_missing(self) -> None:
        """Guarantees that what is known to be wrong is not excused by what is not known."""
        incarnations = (incarnation(), incarnation(1, peak_cgroup_bytes=None, peak_rss_bytes=None))
        assert (
            budget.check(case(AFTER, incarnations=incarnations, memory=using(301 * MIB)), BUDGET).verdict
            is Verdict.FAIL
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"incarnations": ()},
            {"incarnations": (incarnation(peak_cgroup_bytes=None, peak_rss_bytes=None),)},
            {"incarnations": (incarnation(ended_s=None),)},
            {"incarnations": (incarnation(peak_cgroup_bytes=301 * MIB),), "memory": MemorySeries.empty()},
        ],
        ids=["never started", "no mark", "cut off before its last mark", "never sampled"],
    )
    def test_a_peak_that_nobody_measured_is_unknown(self, changes: dict[str, Any]) -> None:
        """Guarantees that a worker which nobody measured has kept no budget."""
        assert budget.check(case(AFTER, **changes), BUDGET).verdict is Verdict.UNKNOWN


class TestHealthyAgain:
    """``returns_to_healthy``: the worker's own memory at the end of the record."""

    EXPECTED = ReturnsToHealthy(at_most="150 MB")

    def test_memory_that_came_back_passes(self) -> None:
        """Guarantees the good case, after a workload in which memory was high."""
        result = healthy.CHECK(case(BEFORE), self.EXPECTED)

        assert result.verdict is Verdict.PASS
        assert result.measured == "114 MiB at the end"

    @pytest.mark.parametrize(("arm", "verdict"), [(BEFORE, Verdict.UNKNOWN), (AFTER, Verdict.FAIL)])
    def test_memory_that_stayed_up_is_a_miss(self, arm: str, verdict: Verdict) -> None:
        """Guarantees that a leak after the workload fails the fixed worker, and does not reproduce the incident."""
        stayed = memory((0, 10, 0, 100 * MB), (10, 49, 0, 150 * MB + 1))
        assert healthy.CHECK(case(arm, memory=stayed), self.EXPECTED).verdict is verdict

    def test_memory_at_exactly_the_level_passes(self) -> None:
        """Guarantees the edge."""
        level = memory((0, 49, 0, 150 * MB))
        assert healthy.CHECK(case(AFTER, memory=level), self.EXPECTED).verdict is Verdict.PASS

    def test_one_high_sample_at_the_end_is_not_a_level(self) -> None:
        """Guarantees the median of the last two seconds, not the luck of the last sample."""
        spike = memory((0, 48.8, 0, 100 * MB), (48.8, 49, 0, 900 * MB))
        assert healthy.CHECK(case(AFTER, memory=spike), self.EXPECTED).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        "changes",
        [
            {"memory": MemorySeries.empty()},
            {"drain": None},
            {"drain": Drain(complete=False, waited_s=60.0, last_seen="7 ready")},
            {"incarnations": (killed(),)},
            {"incarnations": ()},
        ],
        ids=["no samples", "cut off", "not drained", "dead at the end", "no incarnation"],
    )
    def test_without_samples_a_drain_and_a_live_worker_it_is_unknown(self, changes: dict[str, Any]) -> None:
        """Guarantees that a dead or a busy worker is not called recovered."""
        assert healthy.CHECK(case(AFTER, **changes), self.EXPECTED).verdict is Verdict.UNKNOWN


class TestMemoryLimit:
    """The limit of every arm: the kernel's, and the one asked for."""

    def test_a_kernel_limit_of_the_right_size_passes(self) -> None:
        """Guarantees the good case."""
        assert memory_limit.check(case(AFTER)).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("recorded", "said"),
        [
            (None, "not recorded"),
            (EMULATED, "1000 MiB by watchdog, emulated"),
            (Limit("cgroup v2", emulated=False, limit_bytes=LIMIT_BYTES + 4096), "1000 MiB by cgroup v2"),
        ],
        ids=["never recorded", "emulated", "another limit"],
    )
    def test_any_other_limit_is_unknown(self, recorded: Limit | None, said: str) -> None:
        """Guarantees that no verdict rests on a limit that was not the kernel's own, or another one."""
        result = memory_limit.check(case(AFTER, limit=recorded))

        assert result.verdict is Verdict.UNKNOWN
        assert result.measured == said
        assert result.detail


class TestEffectivePrefetch:
    """``effective_prefetch``: what the broker enforced."""

    def test_the_expected_prefetch_in_every_incarnation_passes(self) -> None:
        """Guarantees the good case, for a number and for unlimited."""
        limited = prefetch.check(case(AFTER), EffectivePrefetch(equals=10))
        assert (limited.verdict, limited.threshold) == (Verdict.PASS, "10")
        result = prefetch.check(case(BEFORE), EffectivePrefetch(equals=0))
        assert (result.verdict, result.threshold) == (Verdict.PASS, "unlimited (0)")
        assert result.measured == "unlimited (0), by the management API"

    def test_a_fixed_worker_without_its_prefetch_fails(self) -> None:
        """Guarantees that the cause of the incident can't come back unseen."""
        result = prefetch.check(case(AFTER, channels=channels(0)), EffectivePrefetch(equals=10))
        assert result.verdict is Verdict.FAIL

    def test_one_consumer_with_another_prefetch_is_enough_to_fail(self) -> None:
        """Guarantees that every consumer counts, also after a reconnect."""
        result = prefetch.check(case(AFTER, channels=channels(10, 0)), EffectivePrefetch(equals=10))
        assert result.verdict is Verdict.FAIL
        assert result.measured.startswith("unlimited (0), 10")

    def test_an_incident_whose_prefetch_held_is_not_reproduced(self) -> None:
        """Guarantees unknown for a before arm."""
        result = prefetch.check(case(BEFORE, channels=channels(10, 10)), EffectivePrefetch(equals=0))
        assert result.verdict is Verdict.UNKNOWN

    def test_a_consumer_that_was_never_seen_is_unknown(self) -> None:
        """Guarantees that silence is no number."""
        result = prefetch.check(case(AFTER, channels=channels()), EffectivePrefetch(equals=10))
        assert result.verdict is Verdict.UNKNOWN
