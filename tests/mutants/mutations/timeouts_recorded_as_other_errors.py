"""Records a timeout under the code of any other error."""

from dataclasses import replace
from typing import Any

from worker_under_test.remedies import exception_retention

SCENARIO = "drip"
CAUGHT_BY = "messages deferred"


def mutate() -> None:
    """Change the code."""
    describe = exception_retention.describe_failure

    def vague(error: Exception) -> Any:
        return replace(describe(error), error_code="PROCESSING_ERROR")

    exception_retention.describe_failure = vague
