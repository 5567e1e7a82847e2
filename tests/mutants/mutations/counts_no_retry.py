"""Never counts a retry: hole 10 of the report, no limit is ever reached."""

from worker_under_test.remedies.retry_limit import Counted

SCENARIO = "given_up"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Count nothing."""
    Counted.count_failure = lambda *_: None
