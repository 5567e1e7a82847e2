"""The ledger: every message's outcome, from what was published, what the broker confirmed, and where it ended.

Jepsen's total-queue. A message is *lost* when the broker confirmed it and nothing shows for it in the end, *unexpected*
when the worker handled what was never published, *recovered* when it has an outcome and was never confirmed. Its side
effect, a successful call of the dependency, happens once: twice is *duplicated*, and PROCESSED without one is
*phantom_success*. All of it is sound only after a complete drain and with a whole record; ``Account.unsound`` says
what is lacking.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.record import Outcome, TrialRecord

# A line that is missing in one of them looks like a loss, or hides a duplicate.
_SOURCES = ("publishes.jsonl", "outcomes.json", "calls.jsonl", "queues.json")


class OutcomeKind(StrEnum):
    """Where a message ended; each has one."""

    PROCESSED = "processed"
    FAILED_SCHEDULED = "failed, retry scheduled"
    PERMANENTLY_FAILED = "permanently failed"
    DEAD_LETTERED = "dead-lettered"
    WAITING = "waiting in a queue"
    STILL_QUEUED = "still queued"
    UNCONFIRMED = "never confirmed, never seen"
    LOST = "lost"
    UNEXPECTED = "unexpected"


_OUTCOMES = frozenset(
    {OutcomeKind.PROCESSED, OutcomeKind.FAILED_SCHEDULED, OutcomeKind.PERMANENTLY_FAILED, OutcomeKind.DEAD_LETTERED}
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message and what is known of its end."""

    message_id: str
    outcome: OutcomeKind
    confirmed: bool
    status: str | None  # of its row; None where it has none
    calls: int  # of the dependency's primary endpoints, good or bad
    side_effects: int  # successful calls
    lies_in: str | None = None  # the queue that holds it in the end

    @property
    def recovered(self) -> bool:
        """Whether it has an outcome although the broker never confirmed it."""
        return not self.confirmed and self.outcome in _OUTCOMES

    @property
    def duplicated(self) -> bool:
        """Whether its side effect happened more than once."""
        return self.side_effects > 1

    @property
    def phantom_success(self) -> bool:
        """Whether its row says PROCESSED and no call for it was successful."""
        return self.outcome is OutcomeKind.PROCESSED and self.side_effects == 0


@dataclass(frozen=True, slots=True)
class Account:
    """The whole ledger of a trial."""

    messages: tuple[Message, ...]  # by message id
    published: int  # messages that were attempted
    confirmed: int
    redelivered: int | None  # by the broker's own count; None where it was never read
    nameless: int  # messages put aside that name no message
    unsound: tuple[str, ...]  # why the ledger proves nothing; empty where it does

    def of(self, outcome: OutcomeKind) -> tuple[Message, ...]:
        """Return the messages with that outcome."""
        return tuple(message for message in self.messages if message.outcome is outcome)

    @property
    def duplicated(self) -> tuple[Message, ...]:
        """The messages whose side effect happened more than once."""
        return tuple(message for message in self.messages if message.duplicated)

    @property
    def phantom_success(self) -> tuple[Message, ...]:
        """The messages that are PROCESSED without a side effect."""
        return tuple(message for message in self.messages if message.phantom_success)

    @property
    def recovered(self) -> tuple[Message, ...]:
        """The messages with an outcome that were never confirmed."""
        return tuple(message for message in self.messages if message.recovered)

    @property
    def called_again(self) -> int:
        """How many calls of the dependency were a message's second or later, whatever became of them."""
        return sum(max(0, message.calls - 1) for message in self.messages)

    @property
    def offending(self) -> tuple[Message, ...]:
        """The messages that break a promise.

        Lost, unexpected, duplicated, phantom_success; in this order, each once.
        """
        found = (*self.of(OutcomeKind.LOST), *self.of(OutcomeKind.UNEXPECTED), *self.duplicated, *self.phantom_success)
        return tuple(dict.fromkeys(found))


def account_of(trial: TrialRecord) -> Account:
    """Return the ledger of ``trial``."""
    attempted = {publish.message_id for publish in trial.publishes}
    confirmed = {publish.message_id for publish in trial.publishes if publish.confirmed_s is not None}
    rows = {row.message_id: row for row in trial.outcomes}
    queues = trial.queues or ()
    queued = {name for queue in queues if queue.is_work for name in queue.message_ids if name is not None}
    aside = {name for queue in queues if not queue.still_moves for name in queue.message_ids if name is not None}
    lies_in = {name: queue.name for queue in queues for name in queue.message_ids if name is not None}
    called = [call for call in trial.calls if call.primary and call.message_id is not None]
    calls = Counter(str(call.message_id) for call in called)
    effects = Counter(str(call.message_id) for call in called if call.is_success)
    settled = {name for name, row in rows.items() if outcome_of(row) is not None}

    def outcome(name: str) -> OutcomeKind:
        outcome = outcome_of(rows[name]) if name in rows else None
        if name not in attempted:
            return OutcomeKind.UNEXPECTED
        if outcome is not None:
            return outcome
        if name in aside:
            return OutcomeKind.DEAD_LETTERED
        if name in lies_in:
            return OutcomeKind.STILL_QUEUED if name in queued else OutcomeKind.WAITING
        return OutcomeKind.LOST if name in confirmed else OutcomeKind.UNCONFIRMED

    messages = tuple(
        Message(
            message_id=name,
            outcome=outcome(name),
            confirmed=name in confirmed,
            status=rows[name].status if name in rows else None,
            lies_in=lies_in.get(name),
            calls=calls[name],
            side_effects=effects[name],
        )
        for name in sorted(attempted | settled | lies_in.keys() | calls.keys())
    )
    return Account(
        messages=messages,
        published=len(attempted),
        confirmed=len(confirmed),
        redelivered=trial.queue[-1].redelivered if trial.queue else None,
        nameless=sum(name is None for queue in queues for name in queue.message_ids),
        unsound=tuple(_lacking(trial)),
    )


def outcome_of(row: Outcome) -> OutcomeKind | None:
    """Return the outcome that a row holds; None for one that loses the message: PENDING, or FAILED and never due."""
    if row.status == "FAILED":
        return OutcomeKind.FAILED_SCHEDULED if row.next_attempt_at is not None else None
    return {"PROCESSED": OutcomeKind.PROCESSED, "PERMANENTLY_FAILED": OutcomeKind.PERMANENTLY_FAILED}.get(row.status)


def _lacking(trial: TrialRecord) -> Iterator[str]:
    """Yield what the record lacks for its ledger to prove anything, each as a sentence without its full stop."""
    if trial.drain is None:
        yield "the queues were not drained: the trial was cut off"
    elif not trial.drain.complete:
        yield f"the queues were not drained: {trial.drain.last_seen}"
    yield from (said for said in trial.damaged if said.startswith(_SOURCES))
    if not any(publish.confirmed_s is not None for publish in trial.publishes):
        yield "nothing was confirmed"
    if not trial.outcomes:
        yield "the table was not read: outcomes.json is missing or empty"
    if trial.queues is None:
        yield "what the queues held in the end is not known: queues.json is missing"
        return
    for queue in trial.queues:
        if queue.still_moves and queue.messages:
            yield f"the queues were not drained: {queue.name} held {queue.messages} messages in the end"
        if not queue.still_moves and len(queue.message_ids) < queue.messages:
            yield f"only {len(queue.message_ids)} of the {queue.messages} messages in {queue.name} were read"
