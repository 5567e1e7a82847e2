"""worker_stats.jsonl and alerts.jsonl: what the worker says of itself, where it does. Written by it, read here.

Their lines are a contract (docs/reference/contracts.md). Both files may be absent: a worker that is not ours need not
write them, and one that sends no alert writes none. A kill may tear their last line. It judges nothing.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.record import Alert, WorkerGauge
from harness.store.tolerant import MALFORMED, read_json_lines

if TYPE_CHECKING:
    from pathlib import Path

STATS, ALERTS = "worker_stats.jsonl", "alerts.jsonl"
_SCALARS = (str, int, float, bool, type(None))
_COUNTS = tuple(field.name for field in fields(WorkerGauge) if field.name != "t_s")


def read_gauges(folder: Path, start_s: float, damaged: list[str]) -> tuple[WorkerGauge, ...]:
    """Return the worker's own counts, with replay times."""
    return read_json_lines(folder / STATS, lambda line: _gauge(line, start_s), damaged)


def read_alerts(folder: Path, start_utc: datetime | None, id_key: str, damaged: list[str]) -> tuple[Alert, ...]:
    """Return the alerts; their times are replay time, where ``start_utc``, the trial's start, is known.

    ``id_key`` names the message in an alert's context.
    """
    return read_json_lines(folder / ALERTS, lambda line: _alert(line, start_utc, id_key), damaged)


def _gauge(line: dict[str, Any], start_s: float) -> WorkerGauge:
    return WorkerGauge(t_s=float(line["mono_s"]) - start_s, **{name: int(line[name]) for name in _COUNTS})


def _alert(line: dict[str, Any], start_utc: datetime | None, id_key: str) -> Alert:
    context = line["context"]
    name, code = context.get(id_key), context.get("error_code")
    return Alert(
        alert_type=str(line["alert_type"]),
        level=str(line["level"]),
        action=str(context["action"]),
        t_s=_sent_s(line, start_utc),
        message_id=None if name is None else str(name),
        message=str(line.get("message", "")),
        error_code=None if code is None else str(code),
        context={str(key): value for key, value in context.items() if isinstance(value, _SCALARS)},
    )


def _sent_s(line: dict[str, Any], start_utc: datetime | None) -> float | None:
    """Return when an alert was sent; None for one whose worker does not say so as ours does: it counts all the same."""
    try:
        return (datetime.fromisoformat(line["sent_utc"]) - start_utc).total_seconds() if start_utc else None
    except MALFORMED:
        return None
