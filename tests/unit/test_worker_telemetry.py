"""What the worker says of itself: the stats file of the contract, and a log that no body gets into."""

import json
from pathlib import Path

from worker_under_test.outcomes import Delivery
from worker_under_test.worker_log import bound_values
from worker_under_test.worker_stats import WorkerStats, stats_written

CONTRACT = [
    *("mono_s", "executor_queue", "in_flight", "delivered", "acked"),
    *("nacked_requeue", "nacked_dropped", "processed", "failed", "timeouts"),
]


def test_the_stats_file_has_the_contracts_keys_from_the_first_line_to_the_last(tmp_path: Path) -> None:
    """Guarantees that the harness can read the worker's queue, and that the last line holds the final counts."""
    stats = WorkerStats()
    with stats_written(stats, str(tmp_path / "stats.jsonl"), interval_s=0.01):
        stats.add("delivered")
        stats.add("executor_queue")
        stats.before_message(Delivery(b""))
        assert (stats.waiting, stats.unfinished) == (0, 1)
        stats.add("in_flight", -1)
        stats.add("acked")
    lines = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert all(list(line) == CONTRACT for line in lines)
    assert (lines[-1]["delivered"], lines[-1]["acked"], lines[-1]["in_flight"]) == (1, 1, 0)


def test_a_stats_file_that_cannot_be_written_does_not_disturb_the_worker(tmp_path: Path) -> None:
    """Guarantees that the work goes on without its figures."""
    with stats_written(WorkerStats(), str(tmp_path / "missing" / "stats.jsonl"), interval_s=0.01):
        pass


def test_no_value_in_the_log_is_longer_than_a_few_hundred_characters() -> None:
    """Guarantees that a conversation of 3 MB in an error text stays out of the log."""
    event = bound_values(None, "error", {"event": "failed", "error": "x" * 3_000_000, "body": b"y" * 3_000_000, "n": 7})
    assert len(event["error"]) < 600
    assert event["error"].endswith("(3000000 characters)")
    assert event["body"] == "<3000000 bytes>"
    assert event["n"] == 7
