"""Tabulates the worker of each arm: its incarnations, its processes, what it could hold, the heartbeats it negotiated.

Used by ``reports.pages.document``. Each function takes the whole run and returns one table with a row or more an arm.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from harness.record.facts import unscaled_heartbeats
from reports import wording
from reports.analysis.kills import kills_in
from reports.analysis.processes import processes_of
from reports.tables.table import Table, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record import ChannelSeen, Incarnation, RunRecord, TrialRecord
    from reports.analysis.processes import Process

PROCESSES_SHOWN_MAX = 40  # an arm; a worker that forks for every message has thousands
_COMMAND_CHARACTERS_MAX = 80
_UNLIMITED = "unlimited (0)"
_NONE = "—"


def incarnations(run: RunRecord) -> Table:
    """Return each incarnation: start, end, how it ended, what was killed in it, its peaks, what it could hold."""
    rows = [_incarnation(run, trial, incarnation) for trial in run.trials for incarnation in trial.incarnations]
    return Table(
        "incarnations",
        "Each incarnation of each worker, numbered as its log is. Exit status and resident set are the first process's."
        " Killed is any process that the cgroup's oom_kill counter counted at the limit, and that was seen to go.",
        columns(
            "Arm",
            "Incarnation#",
            "Started#",
            "Ended#",
            "Ended by",
            "Exit status",
            "oom_kill#",
            "Killed",
            "Peak, cgroup#",
            "Peak, RSS#",
            "May hold (prefetch)",
        ),
        tuple(rows),
        "No incarnation of a worker was recorded.",
    )


def _incarnation(run: RunRecord, trial: TrialRecord, incarnation: Incarnation) -> tuple[str, ...]:
    kills = kills_in(incarnation, trial, run.manifest)
    killed = ["the first process" if kill.killed.first_process else _pid(kill.killed.pid) for kill in kills]
    return (
        trial.arm,
        str(incarnation.index),
        wording.moment(trial.phases, incarnation.started_s),
        _NONE if incarnation.ended_s is None else wording.moment(trial.phases, incarnation.ended_s),
        wording.ended_by(incarnation),
        wording.exit_status(incarnation),
        f"+{incarnation.oom_kill_delta}",
        wording.some_of(killed, 3) if killed else _NONE,
        wording.optional_mib(incarnation.peak_cgroup_bytes),
        wording.optional_mib(incarnation.peak_rss_bytes),
        holding(trial.channels, incarnation.index) or wording.NOT_RECORDED,
    )


def _pid(pid: int | None) -> str:
    return "a process not seen" if pid is None else f"pid {pid}"


def holding(channels: Sequence[ChannelSeen], incarnation: int) -> str:
    """Return what an incarnation could hold: ``10``, ``10 × 10 consumers = 100``, ``4 channels, each 10``.

    Empty where none was seen with a consumer.
    """
    states: defaultdict[str, list[ChannelSeen]] = defaultdict(list)
    for seen in channels:
        if seen.incarnation == incarnation and seen.consumers > 0:
            states[seen.channel].append(seen)
    words = Counter(_channel(seen) for seen in states.values())
    return "; ".join(text if number == 1 else f"{number} channels, each {text}" for text, number in words.items())


def _channel(states: Sequence[ChannelSeen]) -> str:
    """Return what one channel could hold with all its consumers; where its prefetch was changed, the most of it."""
    settings = {(seen.prefetch_per_consumer, seen.prefetch_of_channel) for seen in states}
    if len(settings) == 1:
        return _state(max(states, key=lambda seen: seen.consumers))
    widest = max(states, key=lambda seen: (seen.holds_at_most == 0, seen.holds_at_most))
    times = wording.count(len(settings) - 1, "time")
    return f"{_state(states[0])}; changed at least {times}, to {_state(widest)} at most"


def _state(seen: ChannelSeen) -> str:
    if seen.auto_ack:
        return f"{_UNLIMITED}: acknowledged at delivery"
    holds = _UNLIMITED if seen.holds_at_most == 0 else str(seen.holds_at_most)
    if seen.consumers == 1:
        return holds
    if seen.holds_at_most and seen.holds_at_most == seen.prefetch_of_channel:
        return f"{holds} of the channel, with {seen.consumers} consumers"
    each = "unlimited" if seen.prefetch_per_consumer == 0 else str(seen.prefetch_per_consumer)
    return f"{each} × {seen.consumers} consumers = {holds}"


def processes(run: RunRecord) -> Table:
    """Return the processes of each arm; beyond ``PROCESSES_SHOWN_MAX`` an arm they are counted, not shown."""
    rows: list[tuple[str, ...]] = []
    beyond = []
    for trial in run.trials:
        found = processes_of(trial, run.manifest)
        rows += [_process(trial, process) for process in found[:PROCESSES_SHOWN_MAX]]
        if rest := found[PROCESSES_SHOWN_MAX:]:
            beyond.append(f" {trial.arm} had {len(rest)} more.")
    return Table(
        "processes",
        "The worker's processes, sampled once a second: one that lived shorter may be missing. Of each incarnation the "
        "first process, then what was killed, then the largest. A page that two processes share counts for both in the "
        f"resident set (RSS), half for each in the proportional one (PSS).{''.join(beyond)}",
        columns(
            "Arm",
            "Incarnation#",
            "Pid#",
            "Parent#",
            "Command",
            "Started#",
            "Ended#",
            "Peak RSS#",
            "Peak PSS#",
            "Killed",
        ),
        tuple(rows),
        "The processes of the worker were not recorded.",
    )


def _process(trial: TrialRecord, process: Process) -> tuple[str, ...]:
    command = wording.NOT_RECORDED if process.command is None else process.command
    if len(command) > _COMMAND_CHARACTERS_MAX:
        command = f"{command[:_COMMAND_CHARACTERS_MAX]}…"
    started, ended = (
        None if t_s is None else wording.moment(trial.phases, t_s) for t_s in (process.started_s, process.ended_s)
    )
    return (
        trial.arm,
        str(process.incarnation),
        _NONE if process.pid is None else str(process.pid),
        _NONE if process.parent is None else str(process.parent),
        command,
        started or wording.NOT_RECORDED,
        ended or "with its incarnation",
        wording.optional_mib(process.peak_rss_bytes),
        wording.optional_mib(process.peak_pss_bytes),
        "killed at the limit" if process.killed else "",
    )


def unscaled_timers(run: RunRecord) -> tuple[str, ...]:
    """Return one sentence for each arm whose connections negotiated a heartbeat that was not scaled."""
    sentences = []
    for trial in run.trials:
        found = unscaled_heartbeats(trial, run.manifest)
        if found:
            longest_s = max(seen.heartbeat_s for seen in found)
            replayed = wording.seconds(longest_s * run.manifest.time_scale)
            sentences.append(
                f"{trial.arm}: {wording.count(len(found), 'connection')} negotiated a heartbeat of "
                f"{wording.seconds(longest_s)} in real time, {replayed} in incident time"
            )
    return tuple(sentences)


def heartbeats(run: RunRecord) -> Table:
    """Return the heartbeats that the worker's connections negotiated, in real and in incident time."""
    scale = run.manifest.time_scale
    rows: list[tuple[str, ...]] = []
    for trial in run.trials:
        negotiated = Counter((seen.incarnation, seen.heartbeat_s) for seen in trial.connections)
        for (incarnation, heartbeat_s), number in negotiated.items():
            real = wording.seconds(heartbeat_s) if heartbeat_s else "none"
            replayed = wording.seconds(heartbeat_s * scale) if heartbeat_s else _NONE
            rows.append((trial.arm, _NONE if incarnation is None else str(incarnation), str(number), real, replayed))
    return Table(
        "heartbeats",
        "Heartbeats that the worker's connections to the broker negotiated. Unless the scenario's timers scale it, a "
        "heartbeat is as long in real time as it always was: in incident time it is longer, and a dead peer is noticed "
        "that much later.",
        columns("Arm", "Incarnation#", "Connections#", "Heartbeat, real#", "In incident time#"),
        tuple(rows),
        "No connection of a worker to the broker was recorded.",
    )
