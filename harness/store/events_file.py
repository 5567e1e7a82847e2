"""events.jsonl: what happened in a trial, read back; and the values that events are told as.

Written by ``TrialFolder.event``. Phases, incarnations, faults, channels and the drain are functions of the events. One
that lacks what belongs to its kind is a KeyError or a TypeError, which the reader says as damage. Nothing is judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.record import (
    ChannelSeen,
    ConnectionSeen,
    Drain,
    EndedBy,
    Event,
    FaultSpan,
    Incarnation,
    OomKill,
    PhaseSpan,
)
from harness.store.tolerant import read_json_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.record import MemorySeries, Scalar

NAME = "events.jsonl"


def read_events(folder: Path, damaged: list[str]) -> tuple[Event, ...]:
    """Return the events, their times on the monotonic clock; what can't be read is said in ``damaged``."""
    return read_json_lines(folder / NAME, _event, damaged)


def phase_spans(events: Sequence[Event]) -> tuple[PhaseSpan, ...]:
    """Return the phases in the order they were entered.

    The last one ends at the last event, whatever its nominal length.
    """
    entered = [event for event in events if event.kind == "phase_entered"]
    if not entered:
        return ()
    ends_s = [*(event.t_s for event in entered[1:]), max(event.t_s for event in events)]
    return tuple(
        PhaseSpan(
            name=str(event.data["phase"]),
            start_s=event.t_s,
            end_s=end_s,
            from_tod_s=_number(event.data["from_tod_s"]),
            to_tod_s=_number(event.data["to_tod_s"]),
            scale=_number(event.data["scale"]),
        )
        for event, end_s in zip(entered, ends_s, strict=True)
    )


def worker_incarnations(events: Sequence[Event], memory: MemorySeries) -> tuple[Incarnation, ...]:
    """Return the incarnations of the worker.

    A start without its end is an incarnation whose end nobody saw: ``ended_by`` is ``unknown``.
    """
    ended = {event.data["incarnation"]: event for event in events if event.kind == "worker_ended"}
    terminated: dict[Scalar, float] = {}
    for event in events:
        if event.kind == "worker_signalled" and event.data["signal"] == "SIGTERM":
            terminated.setdefault(event.data["incarnation"], event.t_s)
    incarnations: list[Incarnation] = []
    for start in (event for event in events if event.kind == "worker_started"):
        index = int(_number(start.data["incarnation"]))
        end = ended.get(index)
        facts = end.data if end else {}
        sampled = memory.rss_bytes[memory.incarnation == index]
        peaks = [int(sampled.max())] if sampled.size else []
        peaks += [int(peak)] if isinstance(peak := facts.get("peak_rss_bytes"), int | float) else []
        incarnations.append(
            Incarnation(
                index=index,
                pid=int(_number(start.data["pid"])),
                started_s=start.t_s,
                ended_s=end.t_s if end else None,
                exit_status=_whole(facts.get("exit_status")),
                oom_kill_delta=_whole(facts.get("oom_kill_delta")) or 0,
                peak_cgroup_bytes=_whole(facts.get("peak_cgroup_bytes")),
                peak_rss_bytes=max(peaks) if peaks else None,
                ended_by=EndedBy(str(facts.get("ended_by", EndedBy.UNKNOWN))),
                kills=tuple(_kill(event) for event in events if _is_kill_of(event, index)),
                terminated_s=terminated.get(index),
            )
        )
    return tuple(incarnations)


def channels_seen(events: Sequence[Event]) -> tuple[ChannelSeen, ...]:
    """Return what each channel that consumes was seen to hold at most, whenever that changed."""
    return tuple(
        ChannelSeen(
            t_s=event.t_s,
            incarnation=_whole(event.data.get("incarnation")),
            channel=str(event.data.get("channel", "")),
            consumers=_whole(event.data.get("consumers")) or 1,
            prefetch_per_consumer=int(_number(event.data["prefetch_per_consumer"])),
            prefetch_of_channel=_whole(event.data.get("prefetch_of_channel")) or 0,
            auto_ack=event.data.get("auto_ack") is True,
        )
        for event in events
        if event.kind == "channel_seen"
    )


def connections_seen(events: Sequence[Event]) -> tuple[ConnectionSeen, ...]:
    """Return the worker's connections with what was negotiated, in the order in which they were seen."""
    return tuple(
        ConnectionSeen(
            t_s=event.t_s,
            incarnation=_whole(event.data.get("incarnation")),
            name=str(event.data["name"]),
            heartbeat_s=_number(event.data["heartbeat_s"]),
        )
        for event in events
        if event.kind == "connection_seen"
    )


def drain_of(events: Sequence[Event]) -> Drain | None:
    """Return how the drain ended; None where it did not."""
    ended = next((event.data for event in reversed(events) if event.kind == "drain_ended"), None)
    if ended is None:
        return None
    return Drain(ended["complete"] is True, _number(ended["waited_s"] or 0), str(ended["last_seen"]))


def fault_spans(events: Sequence[Event]) -> tuple[FaultSpan, ...]:
    """Return the occurrences of faults in the order in which they were requested.

    An event without the key of its occurrence is left out.
    """
    by_kind: dict[str, dict[Scalar, Event]] = {}
    for event in events:
        if "key" in event.data and event.kind.startswith("fault_"):
            by_kind.setdefault(event.kind, {})[event.data["key"]] = event
    in_force, healed = by_kind.get("fault_in_force", {}), by_kind.get("fault_healed", {})
    failed = by_kind.get("fault_failed", {})
    return tuple(
        FaultSpan(
            key=str(key),
            fault=str(event.data.get("fault", "")),
            settings=str(event.data.get("settings", "")),
            requested_s=event.t_s,
            in_force_s=in_force[key].t_s if key in in_force else None,
            healed_s=healed[key].t_s if key in healed else None,
            seen=str(in_force[key].data.get("seen", "")) if key in in_force else "",
            failure=f"{failed[key].data.get('what')}: {failed[key].data.get('why')}" if key in failed else "",
        )
        for key, event in by_kind.get("fault_requested", {}).items()
    )


def _number(value: Scalar) -> float:
    if isinstance(value, int | float):
        return float(value)
    raise TypeError(f"{value!r} is not a number")


def _whole(value: Scalar) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _event(line: dict[str, Any]) -> Event:
    return Event(t_s=float(line.pop("mono_s")), kind=str(line.pop("kind")), data=line)


def _is_kill_of(event: Event, incarnation: int) -> bool:
    return event.kind == "oom_kill" and event.data["incarnation"] == incarnation


def _kill(event: Event) -> OomKill:
    command = event.data["command"]
    return OomKill(
        t_s=event.t_s,
        pid=_whole(event.data["pid"]),
        command=None if command is None else str(command),
        first_process=event.data["first_process"] is True,
    )
