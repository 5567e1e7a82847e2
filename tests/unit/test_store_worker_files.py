"""What a trial leaves beside its series is read back: the queues in the end, and the worker's alerts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.record import Alert, QueueKind, QueueLeft
from harness.store.queue_files import read_queues_left
from harness.store.worker_files import read_alerts

START = datetime(2026, 1, 1, 11, 0, tzinfo=UTC)


def test_the_queues_are_read_back(tmp_path: Path) -> None:
    """Guarantees the file's shape, a message without an id among the others."""
    line = {"name": "q.dead", "kind": "aside", "messages": 2, "message_ids": ["a", None]}
    (tmp_path / "queues.json").write_text(json.dumps([line]))

    assert read_queues_left(tmp_path, []) == (QueueLeft("q.dead", QueueKind.ASIDE, 2, ("a", None)),)


def test_a_run_without_the_file_is_no_damaged_one(tmp_path: Path) -> None:
    """Guarantees that an older run can still be judged; what its queues held is not known."""
    damaged: list[str] = []

    assert read_queues_left(tmp_path, damaged) is None
    assert damaged == []


def test_a_torn_file_is_said(tmp_path: Path) -> None:
    """Guarantees that half a file is not taken for empty queues."""
    damaged: list[str] = []
    (tmp_path / "queues.json").write_text('[{"name": "q"')

    assert read_queues_left(tmp_path, damaged) is None
    assert damaged[0].startswith("queues.json can't be read")


def test_alerts_get_the_time_of_the_replay(tmp_path: Path) -> None:
    """Guarantees an alert's time, its message and what is plain in its context; one without a message's id is kept."""
    at = {"sent_utc": (START + timedelta(seconds=12)).isoformat(), "level": "HIGH", "alert_type": "T", "message": "m"}
    lines = [
        {**at, "context": {"action": "given_up", "message_id": "a", "retry_count": 5, "rows": [1]}},
        {**at, "context": {"action": "given_up"}},
    ]
    (tmp_path / "alerts.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    assert read_alerts(tmp_path, START, "message_id", []) == (
        Alert(
            "T", "HIGH", "given_up", 12.0, "a", "m", None, {"action": "given_up", "message_id": "a", "retry_count": 5}
        ),
        Alert("T", "HIGH", "given_up", 12.0, None, "m", None, {"action": "given_up"}),
    )
    assert [alert.t_s for alert in read_alerts(tmp_path, None, "message_id", [])] == [None, None]
