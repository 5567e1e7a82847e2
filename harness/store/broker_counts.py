"""The broker's own counts over a whole trial: it forgets them with a restart, and they go on here.

Used by ``reading``. A count that is lower than the one before began anew; what was counted until then is added to it.
``queue.csv`` keeps what the management API said.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record import QueueSample


def counted_on(samples: Sequence[QueueSample]) -> tuple[QueueSample, ...]:
    """Return the samples with ``acked`` and ``redelivered`` counted from the trial's start."""
    if not samples:
        return ()
    found = [samples[0]]
    for before, now in pairwise(samples):
        total = found[-1]
        found.append(
            replace(
                now,
                acked=total.acked + _more(before.acked, now.acked),
                redelivered=total.redelivered + _more(before.redelivered, now.redelivered),
            )
        )
    return tuple(found)


def _more(before: int, now: int) -> int:
    return now - before if now >= before else now
