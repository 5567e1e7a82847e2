"""Reads what a trial left beside its series: the queues' contents in the end, and the worker's alerts.

Used by ``harness.store.reading``. Both files may be absent: an older run wrote no ``queues.json``, and a worker that
sends no alert writes no ``alerts.jsonl``.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.record import Alert, QueueKind, QueueLeft
from harness.store.tolerant import MALFORMED, read_json, read_json_lines

if TYPE_CHECKING:
    from pathlib import Path

QUEUES = "queues.json"


def read_queues(folder: Path, damaged: list[str]) -> tuple[QueueLeft, ...] | None:
    """Return what each queue held in the end; None where that was never written, or can't be read."""
    if not (folder / QUEUES).exists():
        return None
    return read_json(folder / QUEUES, lambda raw: tuple(_queue(each) for each in raw), damaged)


def read_alerts(folder: Path, start_utc: datetime | None, damaged: list[str]) -> tuple[Alert, ...]:
    """Return the alerts; their times are replay time, where ``start_utc``, the trial's start, is known."""
    return read_json_lines(folder / "alerts.jsonl", lambda line: _alert(line, start_utc), damaged)


def _queue(raw: dict[str, Any]) -> QueueLeft:
    names = tuple(None if name is None else str(name) for name in raw["message_ids"])
    return QueueLeft(str(raw["name"]), QueueKind(raw["kind"]), int(raw["messages"]), names)


def _alert(line: dict[str, Any], start_utc: datetime | None) -> Alert:
    context = line["context"]
    name = context.get("message_id")
    return Alert(
        alert_type=str(line["alert_type"]),
        level=str(line["level"]),
        action=str(context["action"]),
        t_s=_sent_s(line, start_utc),
        message_id=None if name is None else str(name),
        message=str(line.get("message", "")),
        error_code=context.get("error_code"),
    )


def _sent_s(line: dict[str, Any], start_utc: datetime | None) -> float | None:
    """Return when an alert was sent; None for one whose worker does not say so as ours does: it counts all the same."""
    try:
        return (datetime.fromisoformat(line["sent_utc"]) - start_utc).total_seconds() if start_utc else None
    except MALFORMED:
        return None
