"""How many messages may the worker hold, and how many did it hold? By the broker's word, not the worker's settings.

The prefetch in force follows from what each consumer may hold, how many consumers a channel has, and what the channel
may hold; it is read again whenever one of them changes. What was seen to be unacknowledged outweighs it. What was
configured is judged nowhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.checkers.check import Check
from harness.fields.strict import Strict, Whole
from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.case import Case
    from harness.record import ChannelSeen, CheckResult, TrialRecord

_ONE_LOOK_S = 1.0  # channels that are first seen so close together consume side by side
_LATE_NEWS_S = 2.0  # the broker sends its statistics once a second, and is asked twice a second
_SHOWN_MAX = 5


class EffectivePrefetch(Strict):
    """The prefetch that the broker says is in force, all consumers of a moment together; 0 is unlimited.

    Ten consumers of ten messages each are 100. A window that is changed while the worker consumes is seen each time.
    """

    equals: Annotated[Whole, Field(ge=0)]


class HoldsAtMost(Strict):
    """The worker never holds more unacknowledged messages than this, whatever its prefetch is called."""

    messages: Annotated[Whole, Field(ge=1)]


def in_force(trial: TrialRecord) -> tuple[tuple[int, str], ...]:
    """Return each prefetch that was in force, with how it comes about; in order of time, each once."""
    return tuple(dict.fromkeys(_of_look(look) for look in _looks(trial)))


def _looks(trial: TrialRecord) -> Iterator[list[ChannelSeen]]:
    """Yield the channels that were seen at one look, each in its latest state."""
    look: dict[str, ChannelSeen] = {}
    for seen in sorted(_without_late_news(trial), key=lambda each: each.t_s):
        first = next(iter(look.values()), seen)
        if look and (seen.t_s - first.t_s > _ONE_LOOK_S or seen.incarnation != first.incarnation):
            yield [*look.values()]
            look = {}
        look[seen.channel] = seen
    if look:
        yield [*look.values()]


def _without_late_news(trial: TrialRecord) -> Iterator[ChannelSeen]:
    """Yield what was seen of channels, but for a first sight of one before its own bound had come through.

    The broker tells a channel's bound up to a second later than its consumers. A bound that was set so late indeed
    shows in what was unacknowledged meanwhile.
    """
    for seen in trial.channels:
        of_it = [other for other in trial.channels if other.channel == seen.channel]
        later = of_it[1] if len(of_it) > 1 and of_it[0] is seen else None
        held = 0
        if later is not None:
            until_s = later.t_s + _LATE_NEWS_S
            held = max((each.unacked for each in trial.queue if seen.t_s <= each.t_s <= until_s), default=0)
        is_late = (
            later is not None
            and later.t_s - seen.t_s <= _LATE_NEWS_S
            and replace(seen, t_s=later.t_s, prefetch_of_channel=later.prefetch_of_channel) == later
            and seen.prefetch_of_channel == 0 < later.holds_at_most
            and held <= later.holds_at_most
        )
        if not is_late:
            yield seen


def _of_look(look: list[ChannelSeen]) -> tuple[int, str]:
    holds = [seen.holds_at_most for seen in look]
    total = sum(holds) if all(holds) else 0
    if any(seen.auto_ack for seen in look):
        return total, "unlimited (0), by automatic acknowledgement"
    if total == 0:
        return total, "unlimited (0)"
    consumers, each = sum(seen.consumers for seen in look), {seen.prefetch_per_consumer for seen in look}
    if consumers > 1 and len(each) == 1 and total == consumers * max(each):
        return total, f"{max(each)} × {consumers} consumers = {total}"
    if len(look) > 1:
        return total, f"{' + '.join(str(hold) for hold in holds)} = {total}"
    by_channel = total == look[0].prefetch_of_channel and total != look[0].prefetch_per_consumer * look[0].consumers
    return total, f"{total} a channel" if by_channel else str(total)


def check(case: Case, expected: EffectivePrefetch) -> CheckResult:
    """Pass where every prefetch in force was the expected one, and no more was held; 0 is unlimited."""
    threshold = "unlimited (0)" if expected.equals == 0 else str(expected.equals)
    found = in_force(case.trial)
    if not found:
        return case.result(CHECK.name, Verdict.UNKNOWN, "the broker never reported a consumer", threshold)
    words = [said for _, said in sorted(found, key=lambda each: each[0])]
    shown = words if len(words) <= _SHOWN_MAX else [*words[:2], "…", words[-1]]
    measured = f"{', '.join(shown)}, by the management API"
    held = max((sample.unacked for sample in case.trial.queue), default=0)
    if {total for total, _ in found} != {expected.equals}:
        detail = f"It was changed {len(found) - 1} times; at most {held} were held." if len(found) > 1 else ""
        return case.result(CHECK.name, case.missed, measured, threshold, detail)
    if 0 < expected.equals < held:
        detail = f"{held} messages were unacknowledged at once: what was seen outweighs what the channels may hold."
        return case.result(CHECK.name, case.missed, f"{measured}; {held} held", threshold, detail)
    return case.result(CHECK.name, Verdict.PASS, measured, threshold)


def check_held(case: Case, expected: HoldsAtMost) -> CheckResult:
    """Pass where never more messages were unacknowledged; missed by one sample, or where nothing is acknowledged."""
    threshold = f"at most {expected.messages} unacknowledged"
    if any(seen.auto_ack for seen in case.trial.channels):
        detail = "It consumes with automatic acknowledgement: no prefetch holds it, and what it holds can't be counted."
        return case.result(HELD.name, case.missed, "without a bound", threshold, detail)
    if not case.trial.queue:
        return case.result(HELD.name, Verdict.UNKNOWN, "the broker's counts were never read", threshold)
    held = max(sample.unacked for sample in case.trial.queue)
    found = in_force(case.trial)
    bound = f"; may hold {max(found)[1] if all(total for total, _ in found) else 'unlimited (0)'}" if found else ""
    measured = f"{held} at most{bound}"
    return case.result(HELD.name, Verdict.PASS if held <= expected.messages else case.missed, measured, threshold)


CHECK = Check("effective prefetch", check, EffectivePrefetch, key="effective_prefetch")
HELD = Check("messages held", check_held, HoldsAtMost, key="holds_at_most")
