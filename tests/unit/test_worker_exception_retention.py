"""What a failed message leaves behind: M2's cycle, and nothing at all."""

import gc
from collections.abc import Iterator

import pytest

from worker_under_test.message_handling import MessageHandler
from worker_under_test.outcomes import DETAILS_LENGTH_MAX, Delivery, FailureKind
from worker_under_test.remedies.behaviour import Behaviour
from worker_under_test.remedies.exception_retention import ExceptionRetention, choose


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Turn the collector off: what is freed within is freed by reference counts alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


class Failing(MessageHandler):
    """Fails as a call fails: deep down, with the message's copies in a local."""

    def __init__(self, error_text: str = "HTTP 500 for 1 rows") -> None:
        super().__init__(service=None)  # type: ignore[arg-type]  # it gets no further than its own code
        self._error_text = error_text

    def process(self, delivery: Delivery) -> None:
        """Fail."""
        conversation_log = [delivery.body.decode()]
        assert len(conversation_log) == 1
        raise RuntimeError(self._error_text)


class Succeeding(Failing):
    """Does nothing, and does it well."""

    def process(self, delivery: Delivery) -> None:
        """Return."""


def alive() -> int:
    """Return how many deliveries exist."""
    return sum(isinstance(each, Delivery) for each in gc.get_objects())


def attempt_and_forget(retention: ExceptionRetention) -> None:
    """Run one failing message, and keep nothing of it but the failure."""
    failure = retention.attempt(Failing(), Delivery(b"a conversation"))
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
    assert choose(behaviour, backoff_s=0).attempt(Succeeding(), Delivery(b"")) is None


def test_a_failure_of_any_length_is_kept_short() -> None:
    """Guarantees that an error text of megabytes reaches neither the log nor the database."""
    failure = choose(Behaviour.HARDENED, backoff_s=0).attempt(Failing("x" * 3_000_000), Delivery(b""))
    assert failure is not None
    assert len(failure.error_details) == DETAILS_LENGTH_MAX
