"""What the gate compares: the figures of one repeat, and which way each of them is worse.

Pure. The peak is the container's: the first process's resident high-water mark, which no sampling can miss, or the
anonymous memory of all its processes where that is more; the cgroup's mark also counts the file pages that whoever came
first was charged for. Kept at rest is what messages left behind in an idle worker; it is far
steadier than the slope of a busy one, which is there for what grows and is given back before the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.checkers.memory.growth import growth
from harness.record import MIB
from harness.record.facts import MemoryKind, highest_peak, own_bytes_at_rest, own_bytes_at_the_end

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.record import TrialRecord

PEAK, CGROUP, KEPT, SLOPE, RATE = "peak", "peak_cgroup", "kept", "slope", "throughput"
_BEFORE_S = 0.5  # of the idle worker before the first message; a longer look may still see it start


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure that is compared."""

    name: str
    unit: str
    relative: bool  # its change is a share of the baseline's median; else in ``unit``: around zero there is no share
    worse_up: bool
    effect: float  # what is let pass unless the command says otherwise
    needed: bool = True  # False: a workload that can't show it is compared without it


# A body of the gate's scenario is 0.95 MiB: one kept for every 200 messages is 4.8 MiB per 1,000. The effects lie half
# way to what must be found; for the slope and the throughput, beyond what a busy machine does to them.
METRICS = (
    Metric(PEAK, "MiB", relative=True, worse_up=True, effect=0.03),
    Metric(KEPT, "MiB per 1,000 messages", relative=False, worse_up=True, effect=2.5),
    Metric(SLOPE, "MiB per 1,000 messages", relative=False, worse_up=True, effect=10.0, needed=False),
    Metric(RATE, "messages/s", relative=True, worse_up=False, effect=0.5, needed=False),
)


def figures_of(trial: TrialRecord) -> dict[str, float]:
    """Return the figures of a trial by name; one that could not be measured is left out."""
    slope = growth(trial)
    found = {
        PEAK: _peak(trial),
        CGROUP: _highest(incarnation.peak_cgroup_bytes for incarnation in trial.incarnations),
        KEPT: _kept(trial),
        SLOPE: slope.per_1000_bytes / MIB if slope else None,
        RATE: _rate(trial),
    }
    return {name: round(value, 4) for name, value in found.items() if value is not None}


def _peak(trial: TrialRecord) -> float | None:
    """Return the container's peak in MiB; None where the first process's mark was never read."""
    first = _highest(incarnation.peak_rss_bytes for incarnation in trial.incarnations)
    together = highest_peak(trial, MemoryKind.ANONYMOUS)
    return None if first is None else max(first, together.low_bytes / MIB if together else 0.0)


def _highest(marks_bytes: Iterable[int | None]) -> float | None:
    """Return the highest mark in MiB; None where an incarnation's was never read."""
    read = [mark or 0 for mark in marks_bytes]
    return max(read) / MIB if read and min(read) > 0 else None


def _kept(trial: TrialRecord) -> float | None:
    """Return by how much the idle worker is larger at the end than before its first message, per 1,000 messages."""
    end = own_bytes_at_the_end(trial)
    first_s = min((publish.sent_s for publish in trial.publishes), default=0.0)
    before = own_bytes_at_rest(trial.memory, first_s - _BEFORE_S, first_s)
    finished = trial.queue[-1].acked if trial.queue else 0
    if end is None or before is None or not finished:
        return None
    return (end - before) / MIB / finished * 1000


def _rate(trial: TrialRecord) -> float | None:
    """Return messages finished per second in the last phase, until the last of them was."""
    if not trial.phases or not trial.queue:
        return None
    inside = [sample for sample in trial.queue if sample.t_s >= trial.phases[-1].start_s]
    last = next((sample for sample in inside if sample.acked == trial.queue[-1].acked), None)
    if last is None or last.t_s <= inside[0].t_s:
        return None
    return (last.acked - inside[0].acked) / (last.t_s - inside[0].t_s)
