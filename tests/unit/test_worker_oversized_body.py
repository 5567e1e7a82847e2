"""Messages that are too large to be conversations: put aside as they arrive, before a thread has them."""

import pytest

from worker_under_test.errors import DeadLetterError
from worker_under_test.outcomes import Delivery, Settlement
from worker_under_test.remedies.bounded_queue import SizeLimit

LIMIT_BYTES = 100


class Letters:
    """Dead letters, as a list; or an exchange that confirms nothing."""

    def __init__(self, *, confirms: bool = True) -> None:
        self.reasons: list[str] = []
        self._confirms = confirms

    def put(self, body: bytes, reason: str) -> None:
        """Keep the reason."""
        if not self._confirms:
            raise DeadLetterError(f"no confirm for {len(body)} bytes")
        self.reasons.append(reason)


def nobody_waits(delivery: Delivery, waiting: int) -> Settlement | None:
    """Admit a message to an empty queue, and to no other."""
    assert len(delivery.body) <= LIMIT_BYTES
    return Settlement.NACK_REQUEUE if waiting else None


@pytest.mark.parametrize(("waiting", "settlement"), [(0, None), (1, Settlement.NACK_REQUEUE)])
def test_a_message_of_a_bearable_size_is_the_queues_affair(waiting: int, settlement: Settlement | None) -> None:
    """Guarantees the edge, and that the bound of the queue still holds for what is small enough."""
    letters = Letters()
    admit = SizeLimit(nobody_waits, letters, LIMIT_BYTES)

    assert admit(Delivery(b"x" * LIMIT_BYTES), waiting) is settlement
    assert letters.reasons == []


def test_one_byte_more_is_a_dead_letter_that_says_why() -> None:
    """Guarantees that it is acknowledged once it is stored, whoever waits, and that nobody has to count its bytes."""
    letters = Letters()
    admit = SizeLimit(nobody_waits, letters, LIMIT_BYTES)

    assert admit(Delivery(b"x" * (LIMIT_BYTES + 1)), 1) is Settlement.ACK
    assert letters.reasons == ["the body has 101 bytes; at most 100 are processed"]


def test_what_is_not_confirmed_as_a_dead_letter_stays_with_the_broker() -> None:
    """Guarantees that no message is lost to a broker that is full: it comes again, later."""
    admit = SizeLimit(nobody_waits, Letters(confirms=False), LIMIT_BYTES)

    assert admit(Delivery(b"x" * (LIMIT_BYTES + 1)), 0) is Settlement.REQUEUE_LATER
