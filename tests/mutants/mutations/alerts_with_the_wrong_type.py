"""Reports a timeout as a failed workflow: whoever routes alerts by type sends it to the wrong person."""

from worker_under_test.alerts import AlertType
from worker_under_test.remedies import timeout_outcome

SCENARIO = "workload"
CAUGHT_BY = "alerts by kind"


def mutate() -> None:
    """Exchange the types."""

    class Wrong:
        """Every type is the other one."""

        EXTERNAL_API_TIMEOUT = AlertType.WORKFLOW_EXECUTION_FAILURE

    timeout_outcome.AlertType = Wrong
