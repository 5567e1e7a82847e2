"""The alerts' webhook: delivered where the receiver is well, and never in the worker's way where it is not."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.environment.ports import free_port
from harness.waiting import wait_for
from worker_under_test.alert_webhook import AlertWebhook, WebhookCounts
from worker_under_test.alerts import AlertLevel, Alerts, AlertType
from worker_under_test.assembly import assembled_retry_job
from worker_under_test.config_settings import load_settings
from worker_under_test.conversation_event_repository import utc_now
from worker_under_test.errors import ConfigurationError
from worker_under_test.remedies.chosen import BY_PRESET

LIMIT_S = 30.0


class Receiver(ThreadingHTTPServer):
    """A webhook's other end: notes what it is sent, and answers ``status`` once ``may_answer`` is set."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.seen: list[dict[str, Any]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        """Where it is; the path is a secret."""
        return f"http://127.0.0.1:{self.server_address[1]}/hooks/secret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Note the alert, and answer in time or not."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(json.loads(body))
        self.server.may_answer.wait(LIMIT_S)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    """Run a receiver, and let every call that it holds go at the end."""
    with Receiver(status) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.may_answer.set()
            receiver.shutdown()
            thread.join(LIMIT_S)


def send(alerts: Alerts, number: int = 0) -> bool:
    """Send an alert that is never rate-limited."""
    context = {"conversation_id": f"c-{number}", "action": "permanently_failed"}
    return alerts.send_alert_safe(AlertType.WORKFLOW_EXECUTION_FAILURE, AlertLevel.CRITICAL, "given up", context)


def test_an_alert_is_posted_as_it_is_written_to_the_file(tmp_path: Path) -> None:
    """Guarantees that a receiver is told the same as the file: type, level, message, context, time."""
    with receiving() as receiver:
        webhook = AlertWebhook(receiver.url, timeout_s=LIMIT_S)
        alerts = Alerts(300, str(tmp_path / "alerts.jsonl"), webhook=webhook)
        assert send(alerts)
        alerts.close()
    assert receiver.seen == [json.loads((tmp_path / "alerts.jsonl").read_text())]
    assert webhook.counts == WebhookCounts(delivered=1)


def test_what_waits_at_the_end_is_still_sent() -> None:
    """Guarantees that a job which ends right after its alerts has delivered them."""
    with receiving() as receiver:
        webhook = AlertWebhook(receiver.url, timeout_s=LIMIT_S)
        assert all(send(Alerts(300, None, webhook=webhook), number) for number in range(20))
        webhook.close(grace_s=LIMIT_S)
    assert [line["context"]["conversation_id"] for line in receiver.seen] == [f"c-{number}" for number in range(20)]
    assert webhook.counts == WebhookCounts(delivered=20)


@pytest.mark.parametrize("status", [500, 404, 302])
def test_an_answer_that_is_no_success_is_counted_and_the_next_alert_is_tried(status: int) -> None:
    """Guarantees that a broken receiver ends nothing: neither the worker nor the sender."""
    with receiving(status) as receiver:
        webhook = AlertWebhook(receiver.url, timeout_s=LIMIT_S)
        assert all(send(Alerts(300, None, webhook=webhook)) for _ in range(3))
        webhook.close(grace_s=LIMIT_S)
    assert len(receiver.seen) == 3
    assert webhook.counts == WebhookCounts(failed=3)


def test_a_receiver_that_is_not_there_is_counted() -> None:
    """Guarantees that a refused connection is a failed delivery and no exception."""
    webhook = AlertWebhook(f"http://127.0.0.1:{free_port()}/hooks/secret", timeout_s=LIMIT_S)
    assert send(Alerts(300, None, webhook=webhook))
    webhook.close(grace_s=LIMIT_S)
    assert webhook.counts == WebhookCounts(failed=1)


def test_a_receiver_that_does_not_answer_costs_one_timeout_each() -> None:
    """Guarantees that the sender goes on to the next alert."""
    with receiving() as receiver:
        receiver.may_answer.clear()
        webhook = AlertWebhook(receiver.url, timeout_s=0.1)
        assert all(send(Alerts(300, None, webhook=webhook)) for _ in range(2))
        wait_for("both to fail", lambda: webhook.counts.failed == 2, timeout_s=LIMIT_S)
        webhook.close()


def test_behind_a_receiver_that_hangs_alerts_are_dropped_and_nobody_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """Guarantees the bound in number and in time, that drops are counted and logged, and that the URL is not."""
    with receiving() as receiver:
        receiver.may_answer.clear()
        webhook = AlertWebhook(receiver.url, timeout_s=10 * LIMIT_S, waiting_max=5)
        alerts = Alerts(300, None, webhook=webhook)
        started_s = time.monotonic()
        assert send(alerts)
        wait_for("the call that hangs", lambda: receiver.seen, timeout_s=LIMIT_S)
        assert [send(alerts) for _ in range(8)] == 5 * [True] + 3 * [False]
        webhook.close(grace_s=0.2)
        assert time.monotonic() - started_s < LIMIT_S, "neither sending nor closing waits for the receiver"
        assert webhook.counts == WebhookCounts(dropped=3 + 5 + 1)
        assert not send(alerts), "a closed webhook takes nothing more"
    logged = capsys.readouterr().out
    assert logged.count("alert_dropped") == 4
    assert "secret" not in logged


def test_alerts_of_many_threads_all_arrive() -> None:
    """Guarantees that no alert is lost or sent twice between threads."""
    with receiving() as receiver:
        webhook = AlertWebhook(receiver.url, timeout_s=LIMIT_S, waiting_max=200)
        alerts = Alerts(300, None, webhook=webhook)
        threads = [
            threading.Thread(target=lambda first=first: [send(alerts, first + number) for number in range(20)])
            for first in range(0, 160, 20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
        webhook.close(grace_s=LIMIT_S)
    assert sorted(int(line["context"]["conversation_id"][2:]) for line in receiver.seen) == list(range(160))


def test_a_file_that_cannot_be_written_takes_nothing_from_the_webhook(tmp_path: Path) -> None:
    """Guarantees that the sinks do not depend on one another."""
    with receiving() as receiver:
        alerts = Alerts(300, str(tmp_path / "missing" / "alerts.jsonl"), webhook=AlertWebhook(receiver.url, LIMIT_S))
        assert not send(alerts)
        alerts.close()
    assert len(receiver.seen) == 1


def test_the_environment_names_the_webhook(tmp_path: Path) -> None:
    """Guarantees ALERT_WEBHOOK_URL, that it must be an address, and that without one there is no webhook."""
    with receiving() as receiver:
        environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/events.db", "ALERT_WEBHOOK_URL": receiver.url}
        settings = load_settings(environ, BY_PRESET["fixed"])
        with assembled_retry_job(settings, BY_PRESET["fixed"], utc_now, threading.Event()) as job:
            assert send(job._alerts)
    assert len(receiver.seen) == 1
    assert load_settings({}, BY_PRESET["fixed"]).alert_webhook_url is None
    with pytest.raises(ConfigurationError, match="ALERT_WEBHOOK_URL"):
        load_settings({"ALERT_WEBHOOK_URL": "hooks/secret"}, BY_PRESET["fixed"])
