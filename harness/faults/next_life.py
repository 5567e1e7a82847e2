"""Seeing a life of the worker end, and the next one begin. Used by the faults that end the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.rig.waiting import wait_for

if TYPE_CHECKING:
    from harness.rig.kubelet import Kubelet, RunningLife

# The kubelet's back-off, doubled some times, and the start of a process; whatever takes longer is not healed.
_NEXT_LIFE_TIMEOUT_S = 60.0


def ended(kubelet: Kubelet, life: RunningLife, timeout_s: float) -> None:
    """Wait until the kubelet has seen ``life`` end. Raises WaitTimeoutError."""
    wait_for(f"life {life.index} of the worker to end", lambda: kubelet.current is not life, timeout_s=timeout_s)


def wait_for_next_life(kubelet: Kubelet, life: RunningLife) -> None:
    """Wait until a later life than ``life`` goes on. Raises PartFailedError when none comes."""

    def next_goes_on() -> bool:
        current = kubelet.current
        return current is not None and current.index > life.index

    wait_for(
        f"a life of the worker after life {life.index}",
        next_goes_on,
        timeout_s=_NEXT_LIFE_TIMEOUT_S,
        alive=kubelet.death,
    )
