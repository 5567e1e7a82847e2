"""Lists the flow of messages, arm by arm: published → confirmed → where each ended; and each that went wrong.

Used by ``reports.pages.document``; the pages lay it out, as a diagram or as a line of text.
Counts are ``harness.ledger``'s.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.ledger import OutcomeKind, account_of, outcome_of, story_of, when
from reports import wording
from reports.tables.table import Table, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.ledger import Account, Message
    from harness.record import RunRecord, TrialRecord

STORIES_MAX = 50  # an arm; a run that lost everything must not fill its report
MOMENTS_MAX = 60  # a story; a message that was requeued for ever has thousands of calls
_NOT_CONFIRMED = "not confirmed"
_NO_TABLE = "the table was not read"  # of no weight where messages are accounted for by answers
_ANSWERED, _NOT_ANSWERED = "answered", "not answered"
_BY_ANSWERS = " (by answers of the dependency: the worker wrote no outcome)"
_ENDS = (_ANSWERED, _NOT_ANSWERED, *(outcome.value for outcome in OutcomeKind))
_BAD = frozenset({OutcomeKind.LOST.value, OutcomeKind.UNEXPECTED.value, OutcomeKind.STILL_QUEUED.value, _NOT_ANSWERED})
# The drawing's own measures, in its own units: three columns of boxes.
BOX_WIDTH, BOX_HEIGHT, _ROW, _COLUMN = 236, 34, 46, 300
_BAND_MIN, _BAND_MAX = 1.5, 26.0
WIDTH = 2 * _COLUMN + BOX_WIDTH


@dataclass(frozen=True, slots=True)
class Box:
    """One place where messages are: its words, and its upper left corner."""

    name: str
    count: int
    x: float
    y: float
    bad: bool


@dataclass(frozen=True, slots=True)
class Band:
    """Messages that went from one box to another: a curve from (x1, y1) to (x2, y2), wider the more there are."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float


@dataclass(frozen=True, slots=True)
class Flow:
    """One arm's messages."""

    arm: str
    sentence: str
    apart: str  # what is counted beside the flow
    unsound: tuple[str, ...]
    boxes: tuple[Box, ...]
    bands: tuple[Band, ...]
    height: float
    stories: tuple[Table, ...]
    unshown: int  # offending messages beyond ``STORIES_MAX``


def flows(run: RunRecord) -> tuple[Flow, ...]:
    """Return the flow of every arm that published anything."""
    return tuple(_flow(trial) for trial in run.trials if trial.publishes)


def _flow(trial: TrialRecord) -> Flow:
    account = account_of(trial)
    outside = _from_outside(trial)
    ended = Counter(_end(message, outside=outside) for message in account.messages)
    outcomes = [(name, ended[name]) for name in _ENDS if ended[name]]
    middle = [("confirmed", account.confirmed), (_NOT_CONFIRMED, account.published - account.confirmed)]
    boxes = (
        *_column(0, [("published", account.published)]),
        *_column(1, [each for each in middle if each[1]]),
        *_column(2, outcomes),
    )
    ends = ", ".join(f"{count} {name}" for name, count in outcomes)
    offending = _offending(account, outside=outside)
    shown = offending[:STORIES_MAX]
    by_whom = _BY_ANSWERS if outside else ""
    return Flow(
        arm=trial.arm,
        sentence=f"{account.published} published → {account.confirmed} confirmed → {ends}{by_whom}",
        apart=_apart(account),
        unsound=tuple(each for each in account.unsound if not (outside and each.startswith(_NO_TABLE))),
        boxes=boxes,
        bands=tuple(_bands(account, {box.name: box for box in boxes}, outside=outside)),
        height=max(box.y for box in boxes) + BOX_HEIGHT,
        stories=tuple(_story(trial, account, message) for message in shown),
        unshown=len(offending) - len(shown),
    )


def _from_outside(trial: TrialRecord) -> bool:
    """Tell whether messages are accounted for by answers: the worker wrote no outcome, and counts nothing itself."""
    return not trial.gauges and not any(outcome_of(row) for row in trial.outcomes)


def _end(message: Message, *, outside: bool) -> str:
    """Return where a message ended: by the worker's own word, or from outside by whether it was answered."""
    if outside and message.outcome in (OutcomeKind.LOST, OutcomeKind.UNCONFIRMED, OutcomeKind.UNEXPECTED):
        if message.side_effects:
            return _ANSWERED
        return _NOT_ANSWERED if message.outcome is OutcomeKind.LOST else message.outcome.value
    return message.outcome.value


def _offending(account: Account, *, outside: bool) -> tuple[Message, ...]:
    """Return the messages whose stories are told: those that break a promise."""
    if not outside:
        return account.offending
    return tuple(each for each in account.messages if each.duplicated or _end(each, outside=True) == _NOT_ANSWERED)


def _apart(account: Account) -> str:
    redelivered = "an unknown number" if account.redelivered is None else str(account.redelivered)
    phantoms = wording.count(len(account.phantom_success), "phantom success", "phantom successes")
    return (
        f"Side effects: {len(account.duplicated)} duplicated, {phantoms}. "
        f"Counted only: {redelivered} redelivered by the broker, "
        f"{account.called_again} calls of the dependency repeated, "
        f"{len(account.recovered)} recovered, {account.nameless} dead letters without a name."
    )


def _column(number: int, entries: Sequence[tuple[str, int]]) -> list[Box]:
    return [Box(name, count, number * _COLUMN, row * _ROW, name in _BAD) for row, (name, count) in enumerate(entries)]


def _bands(account: Account, boxes: dict[str, Box], *, outside: bool) -> list[Band]:
    known = [message for message in account.messages if message.outcome is not OutcomeKind.UNEXPECTED]
    ways = Counter(("confirmed" if each.confirmed else _NOT_CONFIRMED, _end(each, outside=outside)) for each in known)
    firsts = {("published", name): boxes[name].count for name in ("confirmed", _NOT_CONFIRMED) if name in boxes}
    return [
        _band(boxes[left], boxes[right], count / max(1, account.published))
        for (left, right), count in (firsts | ways).items()
    ]


def _band(left: Box, right: Box, share: float) -> Band:
    half = BOX_HEIGHT / 2
    width = max(_BAND_MIN, share * _BAND_MAX)
    return Band(left.x + BOX_WIDTH, left.y + half, right.x, right.y + half, round(width, 1))


def _story(trial: TrialRecord, account: Account, message: Message) -> Table:
    story = story_of(trial, account, message.message_id)
    moments = story.moments if story else ()
    marks = ", ".join(story.verdicts) if story else ""
    rest = len(moments) - MOMENTS_MAX
    more = f" Its first {MOMENTS_MAX} moments; harness trace shows the other {rest}." if rest > 0 else ""
    return Table(
        f"story-{trial.arm}-{message.message_id}",
        f"{message.message_id}: {marks}.{more}",
        columns("Incident time#", "Replay time#", "What happened"),
        tuple((when(trial, each.t_s), f"{each.t_s:.2f} s", each.text) for each in moments[:MOMENTS_MAX]),
        "Nothing else is known of it.",
    )
