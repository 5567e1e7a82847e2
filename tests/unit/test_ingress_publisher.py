"""The ingress' publisher without a broker: nothing is promised, nobody waits for ever, and memory is bounded."""

import socket
from pathlib import Path

import pytest

from harness.environment.ports import free_port
from worker_under_test.config_settings import Settings, load_settings
from worker_under_test.errors import PublishFailedError
from worker_under_test.ingress.confirmed_publisher import ConfirmedPublisher
from worker_under_test.ingress.serve import serve
from worker_under_test.remedies.chosen import BY_PRESET

LIMIT_S = 30.0


def settings(**environ: str) -> Settings:
    """Return the settings of an ingress whose broker refuses connections."""
    nobody = f"amqp://guest:guest@127.0.0.1:{free_port()}/%2F"
    return load_settings({"RABBITMQ_URL": nobody, **environ}, BY_PRESET["fixed"])


def test_without_a_broker_a_message_is_refused_and_not_kept() -> None:
    """Guarantees that a dead broker is an answer at once, not a wait for the timeout."""
    with ConfirmedPublisher(settings()) as publisher:
        assert not publisher.is_connected
        with pytest.raises(PublishFailedError, match="not connected"):
            publisher.submit("c-1", b"{}").result(LIMIT_S)


def test_a_full_queue_refuses_the_next_message() -> None:
    """Guarantees that bodies of 3 MB do not pile up behind a broker that is slow."""
    publisher = ConfirmedPublisher(settings(INGRESS_QUEUE_MAX_SIZE="2"))  # never entered: nobody takes them out
    publisher.submit("c-1", b"{}")
    publisher.submit("c-2", b"{}")
    with pytest.raises(PublishFailedError, match="2 messages wait"):
        publisher.submit("c-3", b"{}")


def test_a_message_whose_client_gave_up_is_passed_over() -> None:
    """Guarantees that what was cancelled before its turn is not published, and that the thread goes on."""
    publisher = ConfirmedPublisher(settings())
    given_up = publisher.submit("c-1", b"{}")
    given_up.cancel()
    waiting = publisher.submit("c-2", b"{}")
    with publisher, pytest.raises(PublishFailedError):
        waiting.result(LIMIT_S)
    assert given_up.cancelled()


def test_what_waits_when_the_ingress_ends_is_refused() -> None:
    """Guarantees that no request hangs on a shutdown."""
    publisher = ConfirmedPublisher(settings())
    publisher._stopping.set()
    publisher.submit("c-0", b"{}").cancel()  # one whose client left already
    waiting = publisher.submit("c-1", b"{}")
    with publisher, pytest.raises(PublishFailedError, match="shutting down"):
        waiting.result(LIMIT_S)


def test_a_port_that_is_taken_is_an_error_before_anything_is_served(tmp_path: Path) -> None:
    """Guarantees that a second ingress on a port ends, which the command line turns into exit code 1."""
    ready_file = tmp_path / "ready.json"
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve(settings(), "127.0.0.1", taken.getsockname()[1], str(ready_file))
    assert not ready_file.exists()
