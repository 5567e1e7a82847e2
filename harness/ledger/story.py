"""The story of one message: everything the record knows of it, in the order in which it happened.

Used by ``harness trace`` and, for the messages that break a promise, by the reports. The broker counts deliveries for
the whole queue only, so a single message's are known by its calls of the dependency: one that a later incarnation of
the worker makes follows a redelivery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.clock import format_time_of_day, incident_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ledger.account import Account, Message
    from harness.record import DependencyCall, Incarnation, TrialRecord

# The fake sees the client's end at once, the supervisor the worker's a poll later; a large one takes a while to die.
_TOGETHER_S = 1.0
_AROUND = ("phase_entered", "fault_", "retry_job_")  # what else of the events belongs into a message's story


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a message, or around it while it was under way."""

    t_s: float
    kind: str  # "published", "confirmed", "call_began", "call_ended", "worker_ended", "row" …
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """One message in one arm."""

    message: Message
    moments: tuple[Moment, ...]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """The outcome, and what else the ledger says of it, in words."""
        message = self.message
        marks = {
            "recovered": message.recovered,
            "duplicated": message.duplicated,
            "phantom_success": message.phantom_success,
        }
        return (message.outcome.value, *(word for word, is_so in marks.items() if is_so))


def story_of(trial: TrialRecord, account: Account, message_id: str) -> Story | None:
    """Return the story of one message of ``trial``; None where the trial knows no such message."""
    message = next((each for each in account.messages if each.message_id == message_id), None)
    if message is None:
        return None
    own = [*_published(trial, message_id), *_called(trial, message_id), *_alerted(trial, message_id)]
    end = list(_ended(trial, message_id))
    around: list[Moment] = []
    if own:
        from_s, until_s = min(own, key=_when).t_s, max(own, key=_when).t_s
        around = [moment for moment in _around(trial) if from_s <= moment.t_s <= until_s]
    return Story(message, (*sorted([*own, *around], key=_when), *end))


def when(trial: TrialRecord, t_s: float) -> str:
    """Return a moment as incident time, or as a dash where no phase was entered."""
    return format_time_of_day(incident_time(trial.phases, t_s)) if trial.phases else "—"


def _when(moment: Moment) -> float:
    return moment.t_s


def _published(trial: TrialRecord, message_id: str) -> Iterator[Moment]:
    for publish in trial.publishes:
        if publish.message_id != message_id:
            continue
        late_s = publish.sent_s - publish.intended_s
        size_kb = publish.size_bytes / 1000
        yield Moment(publish.sent_s, "published", f"publish attempt, {size_kb:.0f} kB, {late_s:.3f} s after its time")
        if publish.confirmed_s is not None:
            yield Moment(publish.confirmed_s, "confirmed", "the broker confirmed it")
        elif publish.error is not None:
            yield Moment(publish.sent_s, "not_confirmed", f"never confirmed: {publish.error}")
        else:
            yield Moment(publish.sent_s, "not_confirmed", "never confirmed: its publisher ended before it knew")


def _called(trial: TrialRecord, message_id: str) -> Iterator[Moment]:
    mine = sorted((c for c in trial.calls if c.message_id == message_id), key=lambda call: call.arrived_s)
    earlier: Incarnation | None = None
    for call in mine:
        incarnation = _incarnation_at(trial, call.arrived_s)
        by = (
            "by no incarnation of the worker"
            if incarnation is None
            else f"by incarnation {incarnation.index} of the worker"
        )
        again = ", redelivered" if incarnation and earlier and incarnation.index > earlier.index else ""
        name = f"call {call.attempt} of {call.path}"
        yield Moment(call.arrived_s, "call_began", f"{name} {by}{again}; the dependency's mode is {call.mode}")
        if call.duration_s is not None:
            yield Moment(call.arrived_s + call.duration_s, "call_ended", f"{name} ended: {_ending(call, incarnation)}")
        earlier = incarnation or earlier


def _incarnation_at(trial: TrialRecord, t_s: float) -> Incarnation | None:
    """Return the incarnation that made a call at ``t_s``."""
    alive = [
        incarnation
        for incarnation in trial.incarnations
        if incarnation.started_s <= t_s and (incarnation.ended_s is None or t_s <= incarnation.ended_s)
    ]
    return alive[-1] if alive else None


def _ending(call: DependencyCall, incarnation: Incarnation | None) -> str:
    duration_s = call.duration_s or 0.0
    said = f"{call.outcome.replace('_', ' ')}, status {call.status or 'none'}, after {duration_s:.3f} s"
    ends_s = call.arrived_s + duration_s
    cut = call.outcome in ("client_gone", "open") and incarnation is not None and incarnation.ended_s is not None
    if cut and incarnation and abs((incarnation.ended_s or 0.0) - ends_s) <= _TOGETHER_S:
        return f"{said}; cut by the end of incarnation {incarnation.index} ({incarnation.ended_by})"
    return said


def _alerted(trial: TrialRecord, message_id: str) -> Iterator[Moment]:
    for alert in trial.alerts:
        if alert.message_id == message_id and alert.t_s is not None:
            yield Moment(alert.t_s, "alert", f"{alert.level} alert {alert.alert_type}: {alert.message}")


def _around(trial: TrialRecord) -> Iterator[Moment]:
    """Yield what happened to everyone: the worker's incarnations, faults, phases."""
    for incarnation in trial.incarnations:
        yield Moment(
            incarnation.started_s,
            "worker_started",
            f"incarnation {incarnation.index} of the worker began (pid {incarnation.pid})",
        )
        if incarnation.ended_s is not None:
            status, count = incarnation.exit_status, incarnation.oom_kill_delta
            how = f"ended by {incarnation.ended_by}, exit status {status}, oom_kill +{count}"
            yield Moment(incarnation.ended_s, "worker_ended", f"incarnation {incarnation.index} of the worker {how}")
    for event in trial.events:
        if event.kind.startswith(_AROUND):
            data = ", ".join(f"{key}={value}" for key, value in event.data.items())
            yield Moment(event.t_s, event.kind, f"{event.kind.replace('_', ' ')}: {data}")


def _ended(trial: TrialRecord, message_id: str) -> Iterator[Moment]:
    """Yield where it stood when the trial ended."""
    t_s = max((event.t_s for event in trial.events), default=0.0)
    row = next((row for row in trial.outcomes if row.message_id == message_id), None)
    if row is None:
        yield Moment(t_s, "row", "the table has no row of it")
    else:
        failed = f", {row.error_code}, next attempt {row.next_attempt_at or 'never'}" if row.error_code else ""
        yield Moment(t_s, "row", f"its row says {row.status}{failed}, {row.retry_count} retries")
    for queue in trial.queues or ():
        if message_id in queue.message_ids:
            kind = "still_queued" if queue.is_work else "waiting" if queue.still_moves else "dead_letter"
            yield Moment(t_s, kind, f"{queue.name} holds it")
