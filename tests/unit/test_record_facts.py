"""The facts that a record holds, each in its one definition: limits, kills, memory at rest, peaks, sizes in words."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.record import MIB, EndedBy, KillScope, Limit, MemorySeries, OomKill
from harness.record.facts import (
    MemoryKind,
    doubtful_kill,
    highest_peak,
    limit_bytes,
    mib,
    oom_kill_count,
    oom_kills,
    own_bytes_at_the_end,
    peak,
    victim,
)
from tests.drill_records import AFTER, LIMIT_BYTES, incarnation, killed, memory, run_of, trial

CHILD = OomKill(30.0, 71, "python", first_process=False)


def with_kill(**changes: Any) -> Any:
    """Return an incarnation in which a child was killed at the limit and the first process lived on."""
    return incarnation(**{"oom_kill_delta": 1, "peak_cgroup_bytes": LIMIT_BYTES, "kills": (CHILD,), **changes})


def test_a_kill_is_any_process_of_the_cgroup() -> None:
    """Guarantees that a child's kill counts as the first process's does, which may be known by its end alone."""
    assert oom_kills(with_kill(), LIMIT_BYTES) == (CHILD,)
    assert [kill.first_process for kill in oom_kills(killed(), LIMIT_BYTES)] == [True]


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"oom_kill_delta": 0, "exit_status": 137, "kills": ()}, "stood still"),
        ({"peak_cgroup_bytes": LIMIT_BYTES // 2}, "not the one on record"),
        ({"peak_cgroup_bytes": None}, "never read"),
        ({"kills": (replace(CHILD, pid=None),)}, "seen to have gone"),
        ({"kills": ()}, "seen to have gone"),
    ],
)
def test_a_kill_needs_all_three_witnesses(changes: dict[str, Any], lacking: str) -> None:
    """Guarantees that two of three witnesses make a doubt, which says what is lacking, and no kill."""
    found = with_kill(**changes)
    assert oom_kills(found, LIMIT_BYTES) == ()
    assert lacking in (doubtful_kill(found, LIMIT_BYTES) or "")


def test_no_witness_makes_no_doubt() -> None:
    """Guarantees that an ordinary end is not suspected of a kill."""
    assert doubtful_kill(incarnation(), LIMIT_BYTES) is None


def test_a_limit_that_takes_the_container_kills_once() -> None:
    """Guarantees that processes which went together are one kill of a container and three of processes."""
    whole = with_kill(oom_kill_delta=3, kills=(CHILD, replace(CHILD, pid=72), replace(CHILD, pid=73)))
    one = Limit("cgroup v2", emulated=False, limit_bytes=LIMIT_BYTES, kills=KillScope.CONTAINER)
    assert oom_kill_count(trial(AFTER, incarnations=(whole,)), LIMIT_BYTES) == 3
    assert oom_kill_count(trial(AFTER, incarnations=(whole,), limit=one), LIMIT_BYTES) == 1


def test_the_victim_is_named_with_what_became_of_the_first_process() -> None:
    """Guarantees that a reader learns who was killed and whether the container lived on."""
    assert victim(CHILD, with_kill()) == "process 71 (python), and the worker's first process lived on"
    ended = with_kill(ended_s=30.5, ended_by=EndedBy.ITSELF, exit_status=137)
    assert victim(CHILD, ended).endswith("ended with it, exit status 137")


def test_the_limit_is_the_enforced_one_and_never_0() -> None:
    """Guarantees that a trial cut off before its limit was set is judged by the limit that was asked for."""
    manifest = run_of().manifest
    assert limit_bytes(trial(AFTER), manifest) == LIMIT_BYTES
    assert limit_bytes(trial(AFTER, limit=None), manifest) == LIMIT_BYTES


def series(rss_mib: float, cgroup_mib: float, inactive_mib: float) -> MemorySeries:
    """Return samples at one level, from 0 to 49 s."""
    levels = memory((0, 49, 0, rss_mib * MIB))
    full = np.ones(levels.t_s.size)
    cgroup, inactive = full * cgroup_mib * MIB, full * inactive_mib * MIB
    return replace(levels, cgroup_bytes=cgroup, inactive_file_bytes=inactive)


def test_a_peak_says_what_sampling_can_have_missed() -> None:
    """Guarantees the bounds of the working set: the highest sample, and that plus what the kernel's mark lies above."""
    of = trial(AFTER, memory=series(60, 280, 220))
    whole = incarnation(peak_cgroup_bytes=290 * MIB, peak_rss_bytes=60 * MIB)
    found = peak(of, whole)
    assert (found.low_bytes, found.high_bytes) == (60 * MIB, 70 * MIB)
    assert peak(of, replace(whole, ended_s=None)).high_bytes == np.inf


def test_a_resident_set_that_was_higher_than_sampled_widens_the_peak() -> None:
    """Guarantees that pages which took a file's place at the limit are not overlooked: usage stood still there."""
    of = trial(AFTER, memory=series(60, 300, 240))
    spiked = incarnation(peak_cgroup_bytes=300 * MIB, peak_rss_bytes=160 * MIB)
    assert peak(of, spiked).high_bytes == 160 * MIB


def test_without_a_cgroup_the_peak_is_the_resident_sets() -> None:
    """Guarantees that the emulated limit is judged by what was measured, under its own name."""
    bare = incarnation(peak_cgroup_bytes=None, peak_rss_bytes=60 * MIB)
    found = highest_peak(trial(AFTER, incarnations=(bare,), memory=memory((0, 49, 0, 50 * MIB))))
    assert found is not None
    assert (found.kind, found.low_bytes, found.high_bytes) == (MemoryKind.RSS, 60 * MIB, 60 * MIB)


def test_memory_at_the_end_is_the_containers() -> None:
    """Guarantees that what a child holds counts, and what the kernel can drop does not."""
    assert own_bytes_at_the_end(trial(AFTER, memory=series(2, 150, 40))) == 110 * MIB
    assert own_bytes_at_the_end(trial(AFTER, memory=MemorySeries.empty())) is None


@pytest.mark.parametrize(("size_bytes", "said"), [(3000 * MIB, "3000 MiB"), (MIB * 4.25, "4.2 MiB"), (0, "0.0 MiB")])
def test_a_size_has_one_rounding(size_bytes: float, said: str) -> None:
    """Guarantees that a size reads the same in a check and in a report."""
    assert mib(size_bytes) == said
