"""What is on record of the messages: published, delivered, called for, and where each of them ended.

Part of ``harness.record``, whose conventions of time and size hold here. What became of a message is the ledger's to
say; this module only holds what each source saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CallOutcome(StrEnum):
    """How a call of the dependency ended, as its own journal has it."""

    ANSWERED = "answered"  # the whole answer that the mode meant to give was sent, be it good, bad or a lie
    CLIENT_GONE = "client_gone"  # the client left, or broke its own request off
    RESET = "reset"  # the mode cut the connection
    CAPPED = "capped"  # an endless answer reached its cap and was cut
    RELEASED = "released"  # the scenario let it go when the trouble was over
    ERROR = "error"  # the dependency itself failed
    OPEN = "open"  # not ended when the trial was over


@dataclass(frozen=True, slots=True)
class Publish:
    """One attempt to publish one message."""

    message_id: str
    intended_s: float  # when the schedule wanted it
    sent_s: float
    confirmed_s: float | None  # None: never confirmed by the broker
    size_bytes: int
    error: str | None


@dataclass(frozen=True, slots=True)
class DependencyCall:
    """One request as the dependency journalled it."""

    path: str
    message_id: str | None
    attempt: int  # 1 for the first call of that message on that path
    mode: str
    status: int | None  # None: no answer was completed
    arrived_s: float
    duration_s: float | None  # None: still open when the journal was read
    outcome: CallOutcome
    good: bool = False  # the whole of a good answer was sent; status 200 alone says nothing: cut-off JSON has it too
    primary: bool = True  # on an endpoint whose good answer is the message's side effect

    @property
    def is_success(self) -> bool:
        """Whether the message's side effect happened: the one definition of a successful call."""
        return self.good and self.primary


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message by the worker's own word, after the drain: a row of its table."""

    message_id: str
    status: str
    error_code: str | None
    retry_count: int
    next_attempt_at: str | None  # ISO 8601, UTC
    failed_at: str | None = None  # ISO 8601, UTC: when the status was last written, where the store says so
    result: float | None = None  # the value that processing recorded, where the store has one


@dataclass(frozen=True, slots=True)
class QueueSample:
    """The queues as the management API told them; its counts lag by up to a second, and survive its restart.

    The first counts are the work queue's; ``waiting_elsewhere`` is what every other queue of the trial's namespace
    holds whose messages are still to move: with consumers, unacknowledged, or waiting for their time.
    """

    t_s: float
    ready: int
    unacked: int
    redelivered: int  # messages redelivered so far
    acked: int  # messages acknowledged by consumers so far, by the broker's count: finished, one way or the other
    delivered: int = 0  # deliveries so far, redeliveries and those without an acknowledgement included
    waiting_elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """One channel that consumes, whenever anything about it changed but its count of unacknowledged messages.

    The prefetch in force is the smaller of what each consumer may hold, times the consumers, and what the channel may
    hold; 0 is unlimited.
    """

    t_s: float
    incarnation: int | None  # that was running; None where none was
    channel: str  # the broker's name of it: connection and number
    consumers: int
    prefetch_per_consumer: int  # 0 is unlimited
    prefetch_of_channel: int  # 0 is unlimited
    auto_ack: bool = False  # no prefetch holds what is never acknowledged

    @property
    def holds_at_most(self) -> int:
        """How many messages the channel may hold; 0 is unlimited."""
        if self.auto_ack:
            return 0
        bounds = [self.prefetch_per_consumer * self.consumers, self.prefetch_of_channel]
        return min((bound for bound in bounds if bound > 0), default=0)


@dataclass(frozen=True, slots=True)
class ConnectionSeen:
    """One connection of the worker to the broker, when it was first seen, with what was negotiated."""

    t_s: float
    incarnation: int | None
    name: str
    heartbeat_s: float  # real seconds; 0 is none


class QueueKind(StrEnum):
    """What a queue of the trial's namespace is for."""

    WORK = "work"  # the queue that the worker was given
    WAITING = "waiting"  # its messages come back when their time is over: a TTL and a dead-letter exchange
    CONSUMED = "consumed"  # somebody consumes it
    ASIDE = "aside"  # where messages come to rest: dead letters


@dataclass(frozen=True, slots=True)
class QueueLeft:
    """One queue of the trial's namespace at the very end, as ``queues.json`` holds it."""

    name: str
    kind: QueueKind
    messages: int
    message_ids: tuple[str | None, ...]  # of those that were read; None: the message names nobody

    @property
    def is_work(self) -> bool:
        """Whether it is the queue that the worker was given."""
        return self.kind is QueueKind.WORK

    @property
    def still_moves(self) -> bool:
        """Whether its messages are still under way: given to the worker again, now or when their time is over."""
        return self.kind is not QueueKind.ASIDE
