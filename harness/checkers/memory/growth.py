"""Does the worker's memory grow with the messages it finishes? A leak is a slope, long before it is a peak.

The resident set over messages finished (the broker's own count), after a warm-up: the median of each of 24 equal
stretches of messages, and Theil–Sen's slope through them. It says how much a thousand messages cost; which line of
code keeps them is the profiled arm's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.checkers.check import Check, Shrinks, Size
from harness.checkers.memory.slope import POINTS_MIN, theil_sen, window_medians
from harness.fields.strict import Fraction, SizeBytes, Strict
from harness.record import MIB, Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult, TrialRecord

WARM_UP_SHARE = 0.1  # of the messages: imports, pools, arenas and caches grow once and stay
_WINDOWS = 24  # each holds enough samples for a median, and there are enough of them for an interval


class MemoryGrowth(Strict):
    """A thousand finished messages add no more than this to the worker's own memory, after a warm-up."""

    per_1000_at_most: SizeBytes
    warm_up: Fraction = WARM_UP_SHARE  # of the messages


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes of resident set that a thousand messages add, between the ends of the 95 % confidence interval."""

    per_1000_bytes: float
    low_bytes: float
    high_bytes: float
    messages: int  # that it was measured over


def growth(trial: TrialRecord, warm_up_share: float = WARM_UP_SHARE) -> Growth | None:
    """Return the growth in a trial of one incarnation.

    None with several, or with too few messages or samples for a slope.

    A restart sets memory back, so a slope across incarnations would say nothing. Samples from before the warm-up's end
    and from after the last message are left out.
    """
    if len(trial.incarnations) != 1 or len(trial.queue) < 2:  # noqa: PLR2004 - an interpolation needs two points
        return None
    finished = np.interp(
        trial.memory.t_s, [sample.t_s for sample in trial.queue], [float(sample.acked) for sample in trial.queue]
    )
    last = float(trial.queue[-1].acked)
    chosen = (finished > last * warm_up_share) & (finished < last)
    slope = theil_sen(*window_medians(finished[chosen], trial.memory.own_bytes[chosen], _WINDOWS))
    if slope is None:
        return None
    measured_over = round(last * (1 - warm_up_share))
    return Growth(slope.per_unit * 1000, slope.low * 1000, slope.high * 1000, measured_over)


def check(case: Case, expected: MemoryGrowth) -> CheckResult:
    """Pass where the whole interval is within the threshold, fail where all of it is above; unknown in between."""
    threshold = f"at most {expected.per_1000_at_most / MIB:.1f} MiB per 1,000 messages"
    found = growth(case.trial, expected.warm_up)
    if found is None:
        incarnations = len(case.trial.incarnations)
        detail = (
            f"Growth is judged within one incarnation; there were {incarnations}."
            if incarnations != 1
            else f"A slope needs memory samples at {POINTS_MIN} different counts of finished messages: play more."
        )
        return case.result(CHECK.name, Verdict.UNKNOWN, "no slope", threshold, detail)
    low, high = found.low_bytes / MIB, found.high_bytes / MIB
    measured = f"{found.per_1000_bytes / MIB:.1f} MiB per 1,000 messages (95 %: {low:.1f} to {high:.1f})"
    if found.high_bytes <= expected.per_1000_at_most:
        return case.result(CHECK.name, Verdict.PASS, measured, threshold, f"Over {found.messages} messages.")
    if found.low_bytes > expected.per_1000_at_most:
        detail = f"Over {found.messages} messages. Run again with --profile to see which allocations stay alive."
        return case.result(CHECK.name, case.missed, measured, threshold, detail)
    detail = f"{found.messages} messages are too few to tell; play more of them."
    return case.result(CHECK.name, Verdict.UNKNOWN, measured, threshold, detail)


CHECK = Check(
    "memory growth",
    check,
    MemoryGrowth,
    key="memory_growth",
    sizes=(Size("per_1000_at_most", Shrinks.TO_A_TENTH, within_limit=False),),
)
