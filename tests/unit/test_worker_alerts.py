"""Alerts: rate-limited where the report says so, never lost where it says never, and never in the worker's way."""

import json
from pathlib import Path

from worker_under_test.alerts import AlertLevel, Alerts, AlertType


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def send(alerts: Alerts, level: AlertLevel = AlertLevel.HIGH, action: str = "marked_failed_no_requeue") -> bool:
    """Send one alert."""
    return alerts.send_alert_safe(AlertType.EXTERNAL_API_TIMEOUT, level, "timeout", {"action": action, "n": 1})


def test_a_high_alert_goes_out_once_in_five_minutes_for_each_kind(tmp_path: Path) -> None:
    """Guarantees that a workload of timeouts is one alert, and does not silence an alert about something else."""
    clock = Clock()
    alerts = Alerts(300, str(tmp_path / "alerts.jsonl"), clock)
    assert [send(alerts) for _ in range(100)] == [True] + 99 * [False]
    assert send(alerts, action="backpressure_triggered")
    clock.now_s += 299
    assert not send(alerts)
    clock.now_s += 1
    assert send(alerts)
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 3


def test_a_critical_alert_always_goes_out(tmp_path: Path) -> None:
    """Guarantees that every event given up is told of, however many there are."""
    alerts = Alerts(300, str(tmp_path / "alerts.jsonl"), Clock())
    assert all(send(alerts, AlertLevel.CRITICAL, "permanently_failed") for _ in range(50))
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 50


def test_an_alert_says_who_what_and_with_which_figures(tmp_path: Path) -> None:
    """Guarantees the keys that the report gives an alert."""
    send(Alerts(300, str(tmp_path / "alerts.jsonl")))
    line = json.loads((tmp_path / "alerts.jsonl").read_text())
    assert line["alert_type"] == "EXTERNAL_API_TIMEOUT"
    assert line["level"] == "HIGH"
    assert line["context"] == {"component": "worker", "action": "marked_failed_no_requeue", "n": 1}


def test_an_alert_that_cannot_be_written_does_not_disturb_the_worker(tmp_path: Path) -> None:
    """Guarantees ``send_alert_safe``: a full disk or a missing folder is logged, and that is all."""
    assert not send(Alerts(300, str(tmp_path / "missing" / "alerts.jsonl")))
