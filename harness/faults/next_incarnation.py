"""Seeing an incarnation of the worker end, and the next one begin. Used by the faults that end the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.environment.waiting import wait_for

if TYPE_CHECKING:
    from harness.environment.supervisor import RunningIncarnation, Supervisor

# The supervisor's back-off, doubled some times, and the start of a process; whatever takes longer is not healed.
_NEXT_LIFE_TIMEOUT_S = 60.0


def ended(supervisor: Supervisor, incarnation: RunningIncarnation, timeout_s: float) -> None:
    """Wait until the supervisor has seen ``incarnation`` end. Raises WaitTimeoutError."""
    wait_for(
        f"incarnation {incarnation.index} of the worker to end",
        lambda: supervisor.current is not incarnation,
        timeout_s=timeout_s,
    )


def wait_for_next_incarnation(supervisor: Supervisor, incarnation: RunningIncarnation) -> None:
    """Wait until a later incarnation than ``incarnation`` goes on. Raises PartFailedError when none comes."""

    def next_goes_on() -> bool:
        current = supervisor.current
        return current is not None and current.index > incarnation.index

    wait_for(
        f"an incarnation of the worker after incarnation {incarnation.index}",
        next_goes_on,
        timeout_s=_NEXT_LIFE_TIMEOUT_S,
        alive=supervisor.death,
    )
