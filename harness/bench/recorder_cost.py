"""What the worker's flight recorder costs: its thread's share of one core, as it recorded it itself.

``burst_to_kill`` plays an incident and asks for this figure of its record; it plays nothing itself. The share is of the
time while the worker held messages: an idle one has less to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.bench.figure import Aim, Figure, alone

if TYPE_CHECKING:
    from harness.record.flight import Flight

AIM = Aim("value", "<=", 1.0)
_NAME = "flight recorder"
_UNIT = "% of one core"


def recorder_figure(flight: Flight) -> Figure:
    """Return the recorder's share of one core; a figure without a value where the worker recorded nothing."""
    busy = [s for s in flight.samples if s.bodies and s.recorder_cpu_s is not None]
    if len(busy) < 2:  # noqa: PLR2004 - a share takes two ends
        return Figure(_NAME, _UNIT, None, aim=AIM, note="the worker recorded no flight while it held messages")
    first, last = busy[0], busy[-1]
    used_s = (last.recorder_cpu_s or 0.0) - (first.recorder_cpu_s or 0.0)
    length_s = last.t_s - first.t_s
    note = f"{len(busy)} samples in {length_s:.0f} s of the worker that was killed"
    return alone(_NAME, _UNIT, [100 * used_s / length_s], aim=AIM, note=note)
