"""When the retry job runs: once, or at the beginning of each interval until it is told to stop."""

import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from worker_under_test import retry_timetable
from worker_under_test.errors import ConfigurationError
from worker_under_test.failed_events_processing import RetryStats

NO_DATABASE = OperationalError("SELECT 1", {}, Exception("no database"))


@pytest.mark.parametrize(("text", "seconds"), [("6h", 21600), ("30m", 1800), ("90s", 90), ("0.5s", 0.5)])
def test_an_interval_is_read(text: str, seconds: float) -> None:
    """Guarantees the units that the command names."""
    assert retry_timetable.interval_s(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "h", "-1h", "6 h", "6d", "0h", "0.0s", "1e9h", "nan"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    """Guarantees that a job never spins, and never sleeps for ever, for a typing error."""
    with pytest.raises(ConfigurationError, match="--every"):
        retry_timetable.interval_s(text)


def test_the_jobs_clock_starts_where_it_is_told_and_runs_on() -> None:
    """Guarantees ``--now``: UTC where no zone is given, and leases that end."""
    clock = retry_timetable.clock("2026-01-01T18:00:00")
    first, second = clock(), clock()
    assert datetime(2026, 1, 1, 18, tzinfo=UTC) <= first <= second < first + timedelta(minutes=5)
    with pytest.raises(ConfigurationError, match="noon"):
        retry_timetable.clock("noon")


def test_without_an_interval_there_is_one_run() -> None:
    """Guarantees ``--once``, and that its error is the command's."""
    assert [each.total for each in retry_timetable.runs(lambda: RetryStats(total=3), None, threading.Event())] == [3]

    def fails() -> RetryStats:
        raise NO_DATABASE

    with pytest.raises(OperationalError):
        list(retry_timetable.runs(fails, None, threading.Event()))


def test_runs_go_on_through_a_database_that_is_away_until_they_are_stopped() -> None:
    """Guarantees that one bad night of the database does not end the retries for good."""
    stopping, count = threading.Event(), itertools.count(1)

    def run() -> RetryStats:
        number = next(count)
        if number == 2:
            raise NO_DATABASE
        if number == 4:
            stopping.set()
        return RetryStats(total=number)

    assert [each.total for each in retry_timetable.runs(run, 0.01, stopping)] == [1, 3, 4]
