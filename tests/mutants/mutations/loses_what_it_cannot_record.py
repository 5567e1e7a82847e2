"""Acknowledges a message although its failure could not be recorded: hole 7 of the report's fix, come back."""

from typing import Any

from worker_under_test.outcomes import Settlement
from worker_under_test.remedies.other_error_outcome import OutcomeByKind
from worker_under_test.remedies.timeout_outcome import FailAndAcknowledge

SCENARIO = "database"
CAUGHT_BY = "messages accounted for"


def mutate() -> None:
    """Say ack whatever became of the record."""
    for outcome in (OutcomeByKind, FailAndAcknowledge):
        record = outcome.__call__

        def hopeful(self: Any, delivery: Any, failure: Any, record: Any = record) -> Settlement:
            record(self, delivery, failure)
            return Settlement.ACK

        outcome.__call__ = hopeful
