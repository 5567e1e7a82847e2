"""What holds for the whole test session: the order of the tests, and that no process outlives it.

There is no rule here for a part that is missing from the machine. Such a test fails, with the remedy in its message,
on a laptop as in CI: ``make setup`` provides RabbitMQ, ``make test-parts`` the rest.
"""

import os
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.leftover_processes import SESSION_ID, account_of, live_carriers, wait_for_leftovers

# No test is a race against the clock: how long an example takes on two busy cores says nothing. CI tries the same
# examples each time, so that a red build is about its change; a laptop tries new ones.
settings.register_profile("laptop", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "laptop")

# From quick to slow, so that the cheapest test that can fail fails first. A test without a marker is a unit test.
_ORDER = ("integration", "browser", "docker", "incident")
# A file is one process's affair from beginning to end. The files that take more than a minute are begun before the
# other slow ones, the longest first, so that the end is not one process at work and three that wait.
LONG_FILES = (
    "test_worker_deliveries.py",
    "test_worker_outcomes.py",
    "test_killed_while_playing.py",
    "test_holes_messages.py",
    "test_unknown_runs.py",
    "test_holes_memory.py",
    "test_killed_while_setting_up.py",
    "test_containers.py",
    "test_canary_password.py",
    "test_two_runs_at_once.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run unit tests first, then long files, integration, browser, docker, whole incidents; else as they were found."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> tuple[int, int]:
    slow = max((_ORDER.index(name) + 1 for name in _ORDER if item.get_closest_marker(name)), default=0)
    if slow and item.path.name in LONG_FILES:
        return 1, LONG_FILES.index(item.path.name)
    return slow, len(LONG_FILES)


@pytest.fixture(scope="session", autouse=True)
def no_process_outlives_the_session() -> Iterator[None]:
    """Fail the session when a process of the harness is left over at its end, and name it.

    It is the first fixture of the session, hence the last to be torn down: every other one has had its turn by then.
    """
    session_id = uuid.uuid4().hex
    before = {(carrier.pid, carrier.started_s) for carrier in live_carriers()}
    os.environ[SESSION_ID] = session_id
    yield
    left = wait_for_leftovers(session_id, before)
    del os.environ[SESSION_ID]
    assert not left, account_of(left)
