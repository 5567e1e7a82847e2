"""A pytest plugin: a test that holds a real worker process to its memory budget.

    pytest -p harness.pytest_plugin

    @pytest.mark.memory_budget("375 MiB", scenario="incident_1142")
    def test_the_worker_goes_through_the_incident_within_its_budget(memory_trial):
        ...

Before the test's own body runs, the scenario's arm is played (once for all tests that ask for the same) and judged by
the harness's checkers; anything but a pass fails the test, and says which allocation sites held the memory. It loads
itself into no session: what it starts is a broker, a workload and a memory limit. ``marker`` reads the marker,
``played`` plays and judges, ``sites`` names the lines of code. How to use it: docs/how-to/memory-budget-in-pytest.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import HarnessError, UsageError
from harness.pytest_plugin.marker import MARKER, MarkedBudget, budget_of
from harness.pytest_plugin.played import Bench

if TYPE_CHECKING:
    from collections.abc import Generator

    from harness.record import TrialRecord

_BENCH = pytest.StashKey[Bench]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add where runs go, whether a stored one is judged instead, and whether a failure is profiled."""
    group = parser.getgroup("memory budget", "memory budgets of real worker processes")
    group.addoption(
        "--memory-runs-dir", default="runs/pytest", metavar="DIR", help="where runs are made (default: runs/pytest)"
    )
    group.addoption("--memory-run", metavar="RUN", help="judge this stored run; play nothing")
    group.addoption(
        "--memory-no-profile",
        action="store_true",
        help="don't repeat an arm that broke its budget under memray to name its allocation sites",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the bench that all tests of the session share."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(peak, *, scenario, arm, rss, growth, baseline, above_baseline, small): "
        "hold the worker of a scenario's arm to a memory budget",
    )
    stored = config.getoption("--memory-run")
    config.stash[_BENCH] = Bench(
        runs_dir=Path(config.getoption("--memory-runs-dir")),
        stored=None if stored is None else Path(stored),
        profile=not config.getoption("--memory-no-profile"),
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marker that can't be meant, before anything is started."""
    for item in items:
        _budget(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a marked test whose worker does not keep its budget; then run the test's own body."""
    budget = _budget(item)
    if budget is not None:
        try:
            broken = item.config.stash[_BENCH].broken_budget(budget)
        except HarnessError as error:
            pytest.fail(f"the memory budget was not measured: {error}", pytrace=False)
        if broken is not None:
            pytest.fail(broken, pytrace=False)
    return (yield)


@pytest.fixture
def memory_trial(request: pytest.FixtureRequest) -> TrialRecord:
    """What the marked test's trial left behind: series, incarnations, calls, rows, for assertions of your own."""
    budget = _budget(request.node)
    if budget is None:
        raise pytest.UsageError(f"{request.node.nodeid}: memory_trial needs @pytest.mark.{MARKER} on the test")
    return request.config.stash[_BENCH].trial(budget)


def _budget(item: pytest.Item) -> MarkedBudget | None:
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return None
    try:
        return budget_of(marker.args, marker.kwargs)
    except UsageError as error:
        raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.{MARKER}: {error}") from error
