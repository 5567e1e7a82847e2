"""What a workload came to: offered beside achieved, so that a generator that was too slow shows.

Used by ``driver`` and by whoever reads a journal. Pure; reads no file.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.load.schedule import Arrival
    from harness.record import Publish

# The stretch that rates are taken over: long enough for a hundred large messages, short enough that a burst of seconds
# is not thinned by the calm around it.
WINDOW_S = 1.0


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """The workload in figures. Rates are messages per replay second, lateness is replay seconds.

    ``offered_per_s`` is what the schedule wants in its busiest window of ``WINDOW_S``, ``achieved_per_s`` what
    became of just those messages: how many of them were confirmed, divided by the time until the last of them was
    begun (at least the window). Equal figures: the generator kept up. Both are 0 for an empty schedule. Lateness is
    sent minus intended; None when nothing was attempted.
    """

    planned: int
    attempted: int
    confirmed: int
    failed: int  # attempted and not confirmed, for whatever reason
    offered_per_s: float
    achieved_per_s: float
    lateness_p50_s: float | None
    lateness_max_s: float | None


def summarise(arrivals: Sequence[Arrival], publishes: Sequence[Publish]) -> LoadSummary:
    """Return the summary of a schedule (sorted by time) and of what was published of it."""
    start, stop = _busiest_window([arrival.intended_s for arrival in arrivals])
    confirmed = sum(publish.confirmed_s is not None for publish in publishes)
    lateness_s = [publish.sent_s - publish.intended_s for publish in publishes]
    return LoadSummary(
        planned=len(arrivals),
        attempted=len(publishes),
        confirmed=confirmed,
        failed=len(publishes) - confirmed,
        offered_per_s=(stop - start) / WINDOW_S,
        achieved_per_s=_achieved_per_s(arrivals[start:stop], publishes),
        lateness_p50_s=statistics.median(lateness_s) if lateness_s else None,
        lateness_max_s=max(lateness_s, default=None),
    )


def _busiest_window(times_s: Sequence[float]) -> tuple[int, int]:
    """Return the slice of ``times_s`` (sorted) that the busiest window holds.

    Of equally busy windows the first: there a slow generator has no backlog yet, so that its own rate is what shows.
    """
    best = (0, 0)
    for start, time_s in enumerate(times_s):
        stop = bisect_left(times_s, time_s + WINDOW_S, lo=start)
        if stop - start > best[1] - best[0]:
            best = (start, stop)
    return best


def _achieved_per_s(wanted: Sequence[Arrival], publishes: Sequence[Publish]) -> float:
    names = {arrival.message_id for arrival in wanted}
    sent = [publish for publish in publishes if publish.message_id in names]
    if not sent:
        return 0.0
    taken_s = max(publish.sent_s for publish in sent) - wanted[0].intended_s
    return sum(publish.confirmed_s is not None for publish in sent) / max(WINDOW_S, taken_s)
