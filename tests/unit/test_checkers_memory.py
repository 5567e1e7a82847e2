"""The checkers of memory and death: kernel kills with all their witnesses, budgets to the byte, recovery, the limit."""

from typing import Any

import pytest

from harness.checkers.ends import kills
from harness.checkers.ends.kills import OomKilled
from harness.checkers.memory import budget, healthy
from harness.checkers.memory.budget import MemoryBudget
from harness.checkers.memory.healthy import ReturnsToHealthy
from harness.checkers.messages import prefetch
from harness.checkers.messages.prefetch import EffectivePrefetch
from harness.checkers.preconditions import memory_limit
from harness.record import MIB, Drain, Limit, MemorySeries, Verdict
from tests.drill_records import AFTER, BEFORE, LIMIT_BYTES, MB, case, channels, incarnation, killed, memory

ONE_KILL = OomKilled(kills=1, restarts=1)
BUDGET = MemoryBudget(peak_at_most="300 MiB")
EMULATED = Limit("watchdog", emulated=True, limit_bytes=LIMIT_BYTES)


class TestKilledByTheKernel:
    """``oom_killed``: exit 137, the cgroup's own count, and a peak at the limit; nothing less."""

    def test_a_kill_with_all_three_witnesses_and_the_right_restarts_passes(self) -> None:
        """Guarantees the verdict that the whole harness is for."""
        result = kills.check_killed(case(BEFORE), ONE_KILL)

        assert result.verdict is Verdict.PASS
        assert result.measured == "1 kills, 1 restarts, peak 1000 MiB"

    @pytest.mark.parametrize(
        ("witness", "said"),
        [
            ({"oom_kill_delta": 0}, "oom_kill count stood still: something else sent SIGKILL"),
            ({"peak_cgroup_bytes": int(0.99 * LIMIT_BYTES) - 1}, "the limit that killed it is not the one on record"),
            ({"peak_cgroup_bytes": None}, "its high-water mark was never read"),
            ({"exit_status": 143}, "the worker survived"),
            ({"exit_status": 0}, "the worker survived"),
        ],
        ids=["no oom_kill", "peak below 99 %", "no peak", "SIGTERM", "ended well"],
    )
    def test_a_kill_without_one_of_its_witnesses_is_not_the_incident(self, witness: dict[str, Any], said: str) -> None:
        """Guarantees that exit 137 alone, or a count alone, proves nothing: unknown, and why."""
        result = kills.check_killed(case(BEFORE, incarnations=(killed(**witness), incarnation(1))), ONE_KILL)

        assert result.verdict is Verdict.UNKNOWN
        assert said in result.detail

    def test_a_peak_of_exactly_the_share_counts(self) -> None:
        """Guarantees the edge: 99 % of the limit is enough."""
        at_the_edge = killed(peak_cgroup_bytes=int(0.99 * LIMIT_BYTES))
        assert (
            kills.check_killed(case(BEFORE, incarnations=(at_the_edge, incarnation(1))), ONE_KILL).verdict
            is Verdict.PASS
        )

    @pytest.mark.parametrize(
        "incarnations",
        [
            (killed(), killed(1), incarnation(2)),
            (killed(),),
            (killed(), incarnation(1), incarnation(2)),
            (killed(), killed(1)),
        ],
        ids=["two kills", "no restart", "two restarts", "the restarted one died too"],
    )
    def test_another_number_of_kills_or_restarts_is_not_the_incident(self, incarnations: tuple[Any, ...]) -> None:
        """Guarantees that the count is the recorded one, not at least one."""
        result = kills.check_killed(case(BEFORE, incarnations=incarnations), ONE_KILL)

        assert result.verdict is Verdict.UNKNOWN
        assert "another number of kills or restarts" in result.detail

    def test_a_survivor_has_not_reproduced_the_incident(self) -> None:
        """Guarantees unknown, not fail: a worker that incarnations proves nothing against the fix."""
        result = kills.check_killed(case(BEFORE, incarnations=(incarnation(),)), ONE_KILL)

        assert result.verdict is Verdict.UNKNOWN
        assert "not reproduced: the worker survived with a peak of 300 MiB" in result.detail

    def test_an_after_arm_that_should_have_died_and_did_not_fails(self) -> None:
        """Guarantees that a claim about the fixed worker is a claim: missed is failed."""
        assert kills.check_killed(case(AFTER), ONE_KILL).verdict is Verdict.FAIL

    def test_an_emulated_limit_can_kill_nobody_by_the_kernel(self) -> None:
        """Guarantees unknown where the watchdog killed, however well the rest fits."""
        result = kills.check_killed(case(BEFORE, limit=EMULATED), ONE_KILL)

        assert result.verdict is Verdict.UNKNOWN
        assert "emulated" in result.detail

    def test_a_limit_that_was_never_recorded_is_unknown(self) -> None:
        """Guarantees that a trial which broke before its start does not pass."""
        result = kills.check_killed(case(BEFORE, limit=None), ONE_KILL)

        assert result.verdict is Verdict.UNKNOWN
        assert "not recorded" in result.detail


class TestNeverKilled:
    """``never_killed``: one incarnation, ended by the harness."""

    def test_one_incarnation_that_the_harness_ended_passes(self) -> None:
        """Guarantees the good case."""
        assert kills.check_never_killed(case(AFTER)).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        "incarnations",
        [
            (killed(), incarnation(1)),
            (incarnation(ended_by="itself", exit_status=1), incarnation(1)),
            (incarnation(ended_by="watchdog", exit_status=137), incarnation(1)),
            (incarnation(ended_by="an unknown SIGKILL", exit_status=137), incarnation(1)),
            (incarnation(oom_kill_delta=1),),
        ],
        ids=["kernel", "itself", "watchdog", "a stranger", "a child of the worker was OOM-killed"],
    )
    def test_any_other_end_fails(self, incarnations: tuple[Any, ...]) -> None:
        """Guarantees that a restart is never taken for survival, and that the log to read is named."""
        result = kills.check_never_killed(case(AFTER, incarnations=incarnations))

        assert result.verdict is Verdict.FAIL
        assert result.detail == "See the log worker-0."

    @pytest.mark.parametrize(
        "incarnations",
        [(), (incarnation(ended_by="unknown", ended_s=None, exit_status=None),), (incarnation(), incarnation(1))],
        ids=["never started", "end not seen", "two incarnations, no end between"],
    )
    def test_an_end_that_nobody_saw_is_unknown(self, incarnations: tuple[Any, ...]) -> None:
        """Guarantees that a hole in the record is no survival."""
        assert kills.check_never_killed(case(AFTER, incarnations=incarnations)).verdict is Verdict.UNKNOWN


class TestMemoryBudget:
    """``memory_budget``: the kernel's high-water mark against a number of bytes."""

    def test_a_peak_of_exactly_the_budget_passes(self) -> None:
        """Guarantees that the budget itself is allowed."""
        result = budget.check(case(AFTER), BUDGET)

        assert result.verdict is Verdict.PASS
        assert result.measured == "peak 300 MiB (cgroup)"

    def test_one_byte_above_fails_and_the_byte_is_said(self) -> None:
        """Guarantees that MiB in print never hide what was exceeded."""
        result = budget.check(case(AFTER, incarnations=(incarnation(peak_cgroup_bytes=300 * MIB + 1),)), BUDGET)

        assert result.verdict is Verdict.FAIL
        assert result.detail.startswith("1 bytes above.")

    def test_the_highest_of_all_incarnations_counts(self) -> None:
        """Guarantees that a quiet restart does not hide the incarnation before it."""
        incarnations = (incarnation(peak_cgroup_bytes=301 * MIB), incarnation(1, peak_cgroup_bytes=100 * MIB))
        assert budget.check(case(AFTER, incarnations=incarnations), BUDGET).verdict is Verdict.FAIL

    def test_without_a_cgroup_the_resident_set_is_judged_and_said(self) -> None:
        """Guarantees an honest label for a budget under the watchdog."""
        incarnations = (incarnation(peak_cgroup_bytes=None),)
        result = budget.check(case(AFTER, incarnations=incarnations), BUDGET)

        assert result.verdict is Verdict.PASS
        assert result.measured == "peak 290 MiB (resident set)"

    def test_an_excess_that_was_seen_fails_even_where_another_mark_is_missing(self) -> None:
        """Guarantees that what is known to be wrong is not excused by what is not known."""
        incarnations = (
            incarnation(peak_cgroup_bytes=301 * MIB),
            incarnation(1, peak_cgroup_bytes=None, peak_rss_bytes=None),
        )
        assert budget.check(case(AFTER, incarnations=incarnations), BUDGET).verdict is Verdict.FAIL

    @pytest.mark.parametrize(
        "incarnations",
        [
            (),
            (incarnation(peak_cgroup_bytes=None, peak_rss_bytes=None),),
            (incarnation(ended_s=None, peak_cgroup_bytes=None),),
        ],
        ids=["never started", "no mark", "cut off before its last mark"],
    )
    def test_a_mark_that_was_never_read_is_unknown(self, incarnations: tuple[Any, ...]) -> None:
        """Guarantees that a worker which nobody measured has kept no budget."""
        assert budget.check(case(AFTER, incarnations=incarnations), BUDGET).verdict is Verdict.UNKNOWN


class TestHealthyAgain:
    """``returns_to_healthy``: the resident set at the end of the record."""

    EXPECTED = ReturnsToHealthy(at_most="150 MB")

    def test_memory_that_came_back_passes(self) -> None:
        """Guarantees the good case, after a workload in which memory was high."""
        result = healthy.check(case(BEFORE), self.EXPECTED)

        assert result.verdict is Verdict.PASS
        assert result.measured == "114 MiB at the end"

    @pytest.mark.parametrize(("arm", "verdict"), [(BEFORE, Verdict.UNKNOWN), (AFTER, Verdict.FAIL)])
    def test_memory_that_stayed_up_is_a_miss(self, arm: str, verdict: Verdict) -> None:
        """Guarantees that a leak after the workload fails the fixed worker, and does not reproduce the incident."""
        stayed = memory((0, 10, 0, 100 * MB), (10, 49, 0, 150 * MB + 1))
        assert healthy.check(case(arm, memory=stayed), self.EXPECTED).verdict is verdict

    def test_memory_at_exactly_the_level_passes(self) -> None:
        """Guarantees the edge."""
        level = memory((0, 49, 0, 150 * MB))
        assert healthy.check(case(AFTER, memory=level), self.EXPECTED).verdict is Verdict.PASS

    def test_one_high_sample_at_the_end_is_not_a_level(self) -> None:
        """Guarantees the median of the last two seconds, not the luck of the last sample."""
        spike = memory((0, 48.8, 0, 100 * MB), (48.8, 49, 0, 900 * MB))
        assert healthy.check(case(AFTER, memory=spike), self.EXPECTED).verdict is Verdict.PASS

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
        assert healthy.check(case(AFTER, **changes), self.EXPECTED).verdict is Verdict.UNKNOWN


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
