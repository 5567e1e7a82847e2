"""The doctor's word on how fast this machine hands out memory."""

from types import SimpleNamespace

import psutil
import pytest

from harness.commands.doctor import memory_pace_part
from harness.environment import memory_pace


def test_new_memory_is_touched_and_given_back() -> None:
    """Every page is written to, so the process has grown by them meanwhile; afterwards it has not."""
    size_bytes = 64 * 2**20
    before = psutil.Process().memory_info().rss

    assert memory_pace.touch(size_bytes) > 0

    assert psutil.Process().memory_info().rss - before < size_bytes / 2


def test_the_pace_is_measured_in_a_process_of_its_own() -> None:
    """Seconds, as that process took them."""
    took_s = memory_pace.measured(64 * 2**20)

    assert took_s is not None
    assert took_s > 0


def test_a_process_that_is_killed_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a container's limit; the doctor lives on, and says so."""
    monkeypatch.setattr(memory_pace, "__name__", "no.such.module")

    part = memory_pace_part()

    assert (part.found, part.version) == (None, "not measured")
    assert "was killed" in part.remedy


@pytest.mark.parametrize(("took_s", "found"), [(1.2, "3000 MiB in 1.2 s"), (7.1, None)])
def test_a_slow_machine_is_told_what_will_come_of_it(
    took_s: float, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees a remedy on a machine on which workloads come late, and none on one that is quick."""
    monkeypatch.setattr(memory_pace, "measured", lambda: took_s)

    part = memory_pace_part()

    assert part.found == found
    assert ("comes late" in part.remedy) == (found is None)
    assert not part.needed


def test_where_little_is_free_nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor does no harm: it does not push a full machine over its edge."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=4 * 2**30))
    monkeypatch.setattr(memory_pace, "measured", lambda: pytest.fail("memory was taken"))

    part = memory_pace_part()

    assert (part.found, part.version) == (None, "not tried")
    assert part.remedy
