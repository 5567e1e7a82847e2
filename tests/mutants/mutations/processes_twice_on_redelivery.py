"""Takes every delivery for a new message: what was in hand when the connection was lost is done a second time."""

from worker_under_test.message_handling import MessageHook
from worker_under_test.remedies import idempotent_redelivery

SCENARIO = "link"
CAUGHT_BY = "messages accounted for"


def mutate() -> None:
    """Remember neither what is in hand, nor what was called, nor what is settled."""
    idempotent_redelivery.work_in_hand = lambda _: MessageHook()
    idempotent_redelivery.finished_calls = lambda _: idempotent_redelivery.NoFinishedCalls()
    idempotent_redelivery.settled_statuses = lambda _: frozenset()
