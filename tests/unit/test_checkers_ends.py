"""The checks of ends: kernel kills with all their witnesses, of any process, and how often the worker was started."""

from typing import Any

import pytest

from harness.checkers.ends import incarnations, kills
from harness.checkers.ends.kills import OomKilled
from harness.checkers.memory.budget import MemoryBudget
from harness.record import Incarnation, Limit, OomKill, Verdict
from tests.drill_records import AFTER, BEFORE, LIMIT_BYTES, case, incarnation, killed

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
        """Guarantees unknown, not fail: a worker that lives proves nothing against the fix."""
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
