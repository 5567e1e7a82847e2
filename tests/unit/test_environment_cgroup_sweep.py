"""How the sweep finds and removes memory cgroups, on plain folders in their place."""

from pathlib import Path

import pytest

from harness.environment.run import census, sweep


@pytest.fixture
def hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two empty hierarchies where the machine's own would be."""
    found = (tmp_path / "memory", tmp_path / "unified")
    for folder in found:
        folder.mkdir()
    monkeypatch.setattr(census, "memory_cgroup_roots", lambda: found)
    return found


def test_groups_are_found_in_every_hierarchy_the_deepest_first(hierarchies: tuple[Path, Path]) -> None:
    """In that order they can be removed."""
    v1, v2 = hierarchies
    deep = v2 / "user.slice" / "harness-run-1-worker-0" / "below"
    deep.mkdir(parents=True)
    (v1 / "harness-run-1").mkdir()
    (v1 / "harness-run-10").mkdir()
    (v1 / "other-harness-run-1").mkdir()
    assert census.find_cgroups("run-1") == (deep, deep.parent, v1 / "harness-run-1")


def test_only_the_runs_own_groups_are_removed(hierarchies: tuple[Path, Path]) -> None:
    """And those that are gone are reported."""
    v1, _ = hierarchies
    (v1 / "harness-run-1-worker-0" / "below").mkdir(parents=True)
    (v1 / "harness-run-10").mkdir()
    assert len(sweep._remove_cgroups("run-1")) == 2
    assert [folder.name for folder in v1.iterdir()] == ["harness-run-10"]


def test_a_group_that_cannot_be_removed_is_not_reported_as_removed(
    hierarchies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit on trying is kept, and the census tells what is left."""
    monkeypatch.setattr(sweep, "_END_TIMEOUT_S", 0.1)
    busy = hierarchies[0] / "harness-run-1-worker-0"
    busy.mkdir()
    (busy / "file").touch()
    assert sweep._remove_cgroups("run-1") == ()
    assert not census.census("run-1", hierarchies[0] / "state").clean
