"""Tabulates what each arm went through: phases, faults, load, calls, drain, queues, events.

Used by ``reports.pages.document``. Each function takes the whole run and returns one table with a row or more an arm.
Counts and percentiles only: whether a value is good or bad is the checkers' to say.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from harness.clock import format_time_of_day, incident_time
from harness.record import QueueKind
from reports import wording
from reports.tables.table import Table, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record import DependencyCall, Event, FaultSpan, Publish, RunRecord, TrialRecord

_MB = 10**6
_QUEUE_KINDS = {
    QueueKind.WORK: "the worker's own queue",
    QueueKind.WAITING: "messages wait for their time, and come back",
    QueueKind.CONSUMED: "has a consumer",
    QueueKind.ASIDE: "messages come to rest: dead letters",
}
EVENTS_SHOWN_MAX = 200  # an arm; a workload of faults must not fill the report


def phases(run: RunRecord) -> Table:
    """Return each phase as it was really played: incident interval, replay interval, and the scale that joins them."""
    rows: list[tuple[str, ...]] = []
    for trial in run.trials:
        for phase in trial.phases:
            reached = phase.from_tod_s + (phase.end_s - phase.start_s) * phase.scale
            if phase is not trial.phases[-1]:  # the last one's clock goes on
                reached = min(phase.to_tod_s, reached)
            rows.append(
                (
                    trial.arm,
                    phase.name,
                    f"{format_time_of_day(phase.from_tod_s)} – {format_time_of_day(reached)}",
                    f"{phase.start_s:.1f} – {phase.end_s:.1f} s",
                    wording.scale(phase.scale),
                )
            )
    return Table(
        "phases",
        "Phases as they were played. The scale is incident seconds per replay second; where a phase ended early, "
        "the incident clock went straight to the next one.",
        columns("Arm", "Phase", "Incident time#", "Replay time#", "Scale#"),
        tuple(rows),
        "No phase was recorded, so the times of this run have no incident time.",
    )


def load(run: RunRecord) -> Table:
    """Return the load that was offered beside the load that was achieved."""
    rows = [_load(trial) for trial in run.trials if trial.publishes or trial.planned_messages]
    return Table(
        "load",
        "Load, offered and achieved. "
        "Lateness is how long after its scheduled moment a message was sent, in real seconds.",
        columns(
            "Arm",
            "Planned#",
            "Attempted#",
            "Confirmed#",
            "Failed#",
            "Confirmed, MB#",
            "Lateness p50#",
            "p95#",
            "Worst#",
        ),
        tuple(rows),
        "No publish was recorded.",
    )


def _load(trial: TrialRecord) -> tuple[str, ...]:
    sent: Sequence[Publish] = trial.publishes
    confirmed = [publish for publish in sent if publish.confirmed_s is not None]
    late_s = np.array([publish.sent_s - publish.intended_s for publish in sent])
    marks = [wording.seconds(float(mark)) for mark in np.percentile(late_s, (50, 95, 100))] if sent else ["—"] * 3
    return (
        trial.arm,
        str(trial.planned_messages),
        str(len(sent)),
        str(len(confirmed)),
        str(len(sent) - len(confirmed)),
        f"{sum(publish.size_bytes for publish in confirmed) / _MB:.0f}",
        *marks,
    )


def calls(run: RunRecord) -> Table:
    """Return the calls of the dependency, counted by path, by the mode that they met, and by how they ended."""
    rows: list[tuple[str, ...]] = []
    for trial in run.trials:
        groups: defaultdict[tuple[str, str, str], list[DependencyCall]] = defaultdict(list)
        for call in trial.calls:
            groups[call.path, call.mode, call.outcome].append(call)
        for path, mode, outcome in sorted(groups):
            group = groups[path, mode, outcome]
            rows.append((trial.arm, path, mode, outcome, *_calls(group, run.manifest.time_scale)))
    return Table(
        "calls",
        "Calls of the dependency by mode and outcome. "
        f"Durations are incident seconds: real seconds × {run.manifest.time_scale:g}.",
        columns("Arm", "Path", "Mode", "Outcome", "Status", "Calls#", "Duration p50#", "p95#", "Longest#"),
        tuple(rows),
        "No call of the dependency was recorded.",
    )


def _calls(group: Sequence[DependencyCall], time_scale: float) -> tuple[str, ...]:
    statuses = sorted({"none" if call.status is None else str(call.status) for call in group})
    ended_s = (
        np.array([call.duration_s for call in group if call.duration_s is not None], dtype=np.float64) * time_scale
    )
    marks = (
        [wording.seconds(float(mark)) for mark in np.percentile(ended_s, (50, 95, 100))] if ended_s.size else ["—"] * 3
    )
    return (", ".join(statuses), str(len(group)), *marks)


def faults(run: RunRecord) -> Table:
    """Return each fault of the schedule; all occurrences of one entry share a row."""
    rows: list[tuple[str, ...]] = []
    for trial in run.trials:
        entries: defaultdict[str, list[FaultSpan]] = defaultdict(list)
        for span in trial.faults:
            if not span.is_phase_rules:
                entries[span.entry].append(span)
        rows += [_fault(trial, spans) for spans in entries.values()]
    return Table(
        "faults",
        "Faults beside the dependency's rules of each phase, by occurrence: requested, seen in force, seen healed.",
        columns("Arm", "Fault", "Settings", "From#", "To#", "Requested#", "In force#", "Healed#", "Seen"),
        tuple(rows),
        "The scenario has no fault beside the dependency's rules.",
    )


def _fault(trial: TrialRecord, spans: Sequence[FaultSpan]) -> tuple[str, ...]:
    healed_s = [span.healed_s for span in spans if span.healed_s is not None]
    failures = [span.failure for span in spans if span.failure]
    return (
        trial.arm,
        spans[0].fault,
        spans[0].settings,
        wording.moment(trial.phases, spans[0].requested_s),
        wording.moment(trial.phases, max(healed_s)) if healed_s else "—",
        str(len(spans)),
        str(sum(span.in_force_s is not None for span in spans)),
        str(len(healed_s)),
        failures[0] if failures else spans[0].seen,
    )


def drain(run: RunRecord) -> Table:
    """Return whether each arm ended with everything settled."""
    rows = [
        (
            trial.arm,
            "complete" if trial.drain.complete else "NOT COMPLETE",
            wording.seconds(trial.drain.waited_s),
            trial.drain.last_seen,
        )
        for trial in run.trials
        if trial.drain is not None
    ]
    return Table(
        "drain",
        "Whether each arm ended with everything settled. An account of messages is sound only then.",
        columns("Arm", "Drain", "Waited#", "Last seen"),
        tuple(rows),
        "No drain was recorded, so no account of messages is sound.",
    )


def queues(run: RunRecord) -> Table:
    """Return what each queue of the trial's namespace held at the very end, and why it was there."""
    rows = [
        (trial.arm, left.name, _QUEUE_KINDS[left.kind], str(left.messages), "yes" if left.still_moves else "no")
        for trial in run.trials
        for left in trial.queues or ()
    ]
    unseen = [trial.arm for trial in run.trials if trial.queues is None]
    not_seen = f" Of {', '.join(unseen)} they were not recorded." if unseen and rows else ""
    return Table(
        "queues-left",
        f"Queues at the end. Messages of a queue that still moves come to the worker again, now or later.{not_seen}",
        columns("Arm", "Queue", "What for", "Messages#", "Still moves"),
        tuple(rows),
        "What the queues held at the end was not recorded." if unseen else "No queue was left at the end.",
    )


def events(trial: TrialRecord) -> Table:
    """Return what happened in one trial, in order; the rows beyond ``EVENTS_SHOWN_MAX`` are counted, not shown."""
    shown = trial.events[:EVENTS_SHOWN_MAX]
    rest = len(trial.events) - len(shown)
    beyond = f" The first {len(shown)}; {rest} more are in events.jsonl." if rest else ""
    return Table(
        f"events-{trial.arm}",
        f"Events of {trial.arm}.{beyond}",
        columns("Incident time#", "Replay time#", "Event", "Data"),
        tuple(_event(trial, event) for event in shown),
        f"No event of {trial.arm} was recorded.",
    )


def _event(trial: TrialRecord, event: Event) -> tuple[str, ...]:
    at = format_time_of_day(incident_time(trial.phases, event.t_s)) if trial.phases else "—"
    data = ", ".join(f"{key}={value}" for key, value in event.data.items())
    return (at, f"{event.t_s:.2f} s", event.kind.replace("_", " "), data)
