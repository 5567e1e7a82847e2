"""The restart policy is the kubelet's: doubling to a limit, and anew after a worker has run for long enough."""

import pytest

from harness.environment.supervisor import RestartPolicy

KUBELETS = RestartPolicy(backoff_s=10.0, restarts_max=20, backoff_max_s=300.0, reset_after_s=600.0)


@pytest.mark.parametrize(
    ("ends_in_a_row", "wait_s"), [(1, 10.0), (2, 20.0), (5, 160.0), (6, 300.0), (12, 300.0), (2000, 300.0)]
)
def test_the_wait_doubles_up_to_its_limit(ends_in_a_row: int, wait_s: float) -> None:
    """Guarantees that the twelfth start waits five minutes, not hours, and that no count overflows."""
    assert KUBELETS.wait_s(ends_in_a_row) == wait_s
