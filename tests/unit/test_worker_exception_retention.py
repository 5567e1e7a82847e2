"""What a failed message leaves behind: M2's cycle, and nothing at all."""

import gc
from collections.abc import Iterator

import pytest

from worker_under_test.outcomes import DETAILS_LENGTH_MAX, Delivery, FailureKind
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.exception_retention import Attempt, choose


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Turn the collector off: what is freed within is freed by reference counts alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def fail(delivery: Delivery) -> None:
    """Fail as a call fails: deep down, with the message's copies in a local."""
    conversation_log = [delivery.body.decode()]
    raise RuntimeError(f"HTTP 500 for {len(conversation_log)} rows")


def alive() -> int:
    """Return how many deliveries exist."""
    return sum(isinstance(each, Delivery) for each in gc.get_objects())


def attempt_and_forget(attempt: Attempt) -> None:
    """Run one failing message, and keep nothing of it but the failure."""
    failure = attempt(fail, Delivery(b"a conversation"))
    assert failure is not None
    assert failure.kind is FailureKind.OTHER
    assert failure.error_details == "RuntimeError: HTTP 500 for 1 rows"


@pytest.mark.usefixtures("without_collector")
def test_the_original_leaves_a_cycle_that_keeps_the_message_alive() -> None:
    """Shows M2: after the failure is settled the message is still there, until a collection."""
    attempt_and_forget(choose(Behaviour.ORIGINAL, backoff_s=0))
    assert alive() == 1
    gc.collect()
    assert alive() == 0


@pytest.mark.usefixtures("without_collector")
def test_a_failure_kept_as_text_leaves_nothing_behind() -> None:
    """Guarantees that the message goes with the failure, at once, whatever the collector does."""
    attempt_and_forget(choose(Behaviour.HARDENED, backoff_s=0))
    assert alive() == 0


@pytest.mark.parametrize("behaviour", list(Behaviour))
def test_a_message_that_succeeds_has_no_failure(behaviour: Behaviour) -> None:
    """Guarantees that success is told from failure in every behaviour."""
    assert choose(behaviour, backoff_s=0)(lambda _: None, Delivery(b"")) is None


def test_a_failure_of_any_length_is_kept_short() -> None:
    """Guarantees that an error text of megabytes reaches neither the log nor the database."""

    def fail_loudly(_: Delivery) -> None:
        raise ValueError("x" * 3_000_000)

    failure = choose(Behaviour.HARDENED, backoff_s=0)(fail_loudly, Delivery(b""))
    assert failure is not None
    assert len(failure.error_details) == DETAILS_LENGTH_MAX
