"""The values that everybody reads: how verdicts merge, and the small figures derived from records."""

import itertools

import pytest

from harness.record import Incarnation, MemorySeries, RunRecord, Verdict
from tests.drill_records import AFTER, BEFORE, incarnation, run_of


@pytest.mark.parametrize("verdicts", list(itertools.product(Verdict, repeat=2)), ids=str)
def test_the_worst_of_two_verdicts_wins(verdicts: tuple[Verdict, Verdict]) -> None:
    """Guarantees pass < unknown < fail, in whichever order they come."""
    order = [Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL]
    assert Verdict.worst(verdicts) is max(verdicts, key=order.index)


def test_nothing_checked_is_unknown() -> None:
    """Guarantees that no checks at all are no pass."""
    assert Verdict.worst([]) is Verdict.UNKNOWN


def test_each_verdict_has_its_exit_code() -> None:
    """Guarantees 0, 1 and 3, and never 137."""
    assert [verdict.exit_code for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN)] == [0, 1, 3]


@pytest.mark.parametrize(("cgroup", "resident", "peak"), [(300, 200, 300), (None, 200, 200), (None, None, 0)], ids=str)
def test_the_peak_is_the_cgroups_else_the_resident_sets(cgroup: int | None, resident: int | None, peak: int) -> None:
    """Guarantees the kernel's own mark where there is one, and 0 where nothing was read."""
    worker: Incarnation = incarnation(peak_cgroup_bytes=cgroup, peak_rss_bytes=resident)
    assert worker.peak_bytes == peak


def test_a_trial_is_found_by_its_arm() -> None:
    """Guarantees None, not an error, for an arm that was never played."""
    run: RunRecord = run_of()
    found = run.trial(AFTER)
    assert found is not None
    assert found.arm == AFTER
    assert run.trial("another") is None
    assert run.trial(BEFORE) is not None


def test_an_empty_series_has_no_samples() -> None:
    """Guarantees arrays of one length, none."""
    empty = MemorySeries.empty()
    assert {empty.t_s.size, empty.rss_bytes.size, empty.cgroup_bytes.size, empty.incarnation.size} == {0}
