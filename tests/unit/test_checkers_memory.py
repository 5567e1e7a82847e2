"""The checkers of memory and death: kernel kills with all their witnesses, budgets to the byte, recovery, the limit."""

from typing import Any

import pytest

from harness.checkers.ends import incarnations, kills
from harness.checkers.ends.kills import OomKilled
from harness.checkers.memory import budget, healthy
from harness.checkers.memory.budget import MemoryBudget
from harness.checkers.memory.healthy import ReturnsToHealthy
from harness.checkers.messages import prefetch
from harness.checkers.messages.prefetch import EffectivePrefetch
from harness.checkers.preconditions import memory_limit
from harness.record import MIB, Drain, Incarnation, Limit, MemorySeries, OomKill, Verdict
from harness.record.facts import MemoryKind
from tests.drill_records import AFTER, BEFORE, LIMIT_BYTES, MB, case, channels, charged, incarnation, killed, memory

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
            ({"exit_status": 143}, "counted 1 OOM kills more in incarnation 0 than processes were seen to have gone"),
            ({"exit_status": 0}, "counted 1 OOM kills more in incarnation 0 than processes were seen to have gone"),
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


CHILD = OomKill(30.0, 71, "python", first_process=False)


def with_killed_child(**changes: Any) -> Incarnation:
    """Return an incarnation in which the kernel took a child at the limit and the first process lived on."""
    return incarnation(**{"oom_kill_delta": 1, "peak_cgroup_bytes": LIMIT_BYTES, "kills": (CHILD,), **changes})


class TestAKilledChild:
    """A kill is any process's, whether the first one lived on or not."""

    def test_it_reproduces_an_incident_without_a_restart(self) -> None:
        """Guarantees that the survivor of a killed child is not called a survivor, and that the victim is named."""
        result = kills.check_killed(case(BEFORE, incarnations=(with_killed_child(),)), OomKilled(kills=1, restarts=0))

        assert result.verdict is Verdict.PASS
        assert "process 71 (python), and the worker's first process lived on" in result.detail

    def test_it_fails_the_worker_that_has_to_hold(self) -> None:
        """Guarantees the same of ``never_killed``, with the sentence."""
        result = kills.check_never_killed(case(AFTER, incarnations=(with_killed_child(),)))

        assert result.verdict is Verdict.FAIL
        assert "process 71 (python), and the worker's first process lived on (incarnation 0)" in result.detail


class TestNeverKilled:
    """``never_killed``: no kill and no crash; an end that the worker chose is neither."""

    @pytest.mark.parametrize(
        "incarnations",
        [
            (incarnation(),),
            (incarnation(ended_by="itself", exit_status=0), incarnation(1)),
            (incarnation(ended_by="itself", exit_status=1), incarnation(1)),
            (incarnation(ended_by="a fault", exit_status=137), incarnation(1)),
            (incarnation(ended_by="harness", exit_status=137),),
        ],
        ids=["one incarnation", "chose 0", "chose 1", "a fault of the scenario", "the harness, after its grace"],
    )
    def test_an_end_that_nobody_forced_on_it_passes(self, incarnations: tuple[Any, ...]) -> None:
        """Guarantees that a worker which recycles itself, or is ended by the scenario, was not killed."""
        assert kills.check_never_killed(case(AFTER, incarnations=incarnations)).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("incarnations", "said"),
        [
            ((killed(), incarnation(1)), "The kernel's OOM killer took the worker's first process (pid 4000)"),
            ((incarnation(ended_by="watchdog", exit_status=137), incarnation(1)), "The watchdog"),
            ((incarnation(ended_by="an unknown SIGKILL", exit_status=137), incarnation(1)), "Something sent SIGKILL"),
            ((incarnation(ended_by="itself", exit_status=139), incarnation(1)), "Incarnation 0 crashed by signal 11"),
            ((incarnation(oom_kill_delta=1),), "took a process of incarnation 0 that nobody saw go"),
            ((with_killed_child(ended_by="an unknown SIGKILL", exit_status=137, ended_s=30.2),), "ended with it"),
        ],
        ids=["kernel", "watchdog", "a stranger", "a crash", "a child nobody saw", "behind a shell"],
    )
    def test_a_kill_or_a_crash_fails_and_is_told(self, incarnations: tuple[Any, ...], said: str) -> None:
        """Guarantees that a restart is never taken for survival, and that the log to read is named."""
        result = kills.check_never_killed(case(AFTER, incarnations=incarnations))

        assert result.verdict is Verdict.FAIL
        assert said in result.detail
        assert result.detail.endswith("See the log worker-0.")

    @pytest.mark.parametrize(
        "incarnations",
        [(), (incarnation(ended_by="unknown", ended_s=None, exit_status=None),)],
        ids=["never started", "end not seen"],
    )
    def test_an_end_that_nobody_saw_is_unknown(self, incarnations: tuple[Any, ...]) -> None:
        """Guarantees that a hole in the record is no survival."""
        assert kills.check_never_killed(case(AFTER, incarnations=incarnations)).verdict is Verdict.UNKNOWN


class TestIncarnations:
    """``one_incarnation`` and ``restarts_at_most``: ends bounded, whoever brought them."""

    RECYCLED = (incarnation(ended_by="itself", exit_status=0), incarnation(1))

    def test_one_that_the_harness_ended_passes(self) -> None:
        """Guarantees the good case of both."""
        assert incarnations.ONE(case(AFTER), incarnations.OneIncarnation()).verdict is Verdict.PASS
        none = incarnations.RestartsAtMost(count=0)
        assert incarnations.RESTARTS(case(AFTER), none).verdict is Verdict.PASS

    def test_an_end_that_the_worker_chose_fails_one_incarnation(self) -> None:
        """Guarantees that what ``never_killed`` lets pass can be forbidden, with the end told."""
        result = incarnations.ONE(case(AFTER, incarnations=self.RECYCLED), incarnations.OneIncarnation())

        assert result.verdict is Verdict.FAIL
        assert result.detail == "Incarnation 0: exit status 0, ended by itself. See the log worker-0."

    @pytest.mark.parametrize(("count", "verdict"), [(1, Verdict.PASS), (0, Verdict.FAIL)])
    def test_restarts_are_bounded_to_the_number(self, count: int, verdict: Verdict) -> None:
        """Guarantees the edge."""
        expected = incarnations.RestartsAtMost(count=count)
        assert incarnations.RESTARTS(case(AFTER, incarnations=self.RECYCLED), expected).verdict is verdict

    @pytest.mark.parametrize(
        "of", [(), (incarnation(ended_by="unknown", ended_s=None),), (incarnation(), incarnation(1))]
    )
    def test_an_end_that_is_not_on_record_is_unknown(self, of: tuple[Any, ...]) -> None:
        """Guarantees that a hole in the record is not one incarnation."""
        result = incarnations.ONE(case(AFTER, incarnations=of), incarnations.OneIncarnation())
        assert result.verdict is Verdict.UNKNOWN

    def test_a_worker_that_was_never_started_has_no_restarts_to_count(self) -> None:
        """Guarantees unknown for the other one too."""
        expected = incarnations.RestartsAtMost(count=3)
        assert incarnations.RESTARTS(case(AFTER, incarnations=()), expected).verdict is Verdict.UNKNOWN


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
        dead = (with_killed_child(), incarnation(1))
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
