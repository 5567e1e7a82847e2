"""A RabbitMQ that never comes up: one message with what it said and what to do, in bounded time; nothing is left."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from harness.environment.broker.node import find_server
from tests.kill_moments import SCENARIO, left_over, place
from tests.private_mounts import mounts

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

BROKER_TIMEOUT_S = 2
# Python, the canary and the proof that nothing is left, on a machine whose cores are all busy.
REST_S = 60


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo waiting for the cookie; exec sleep 600", ("waiting for the cookie", "--broker-timeout", "in vain")),
        ("echo 'eaddrinuse: the port is taken' >&2; exit 70", ("ended with status 70", "eaddrinuse", "--broker-url")),
        ("exit 1", ("ended with status 1", "(the log is empty)", "--broker-url")),
    ],
    ids=["sleeps", "prints an error", "exits 1"],
)
def test_a_broker_that_never_comes_up_is_said_once_in_its_time(
    script: str, said: tuple[str, ...], tmp_path: Path
) -> None:
    """Exit 4, the end of its log, the remedy, and no process, cgroup, port or file of the run."""
    server = find_server()
    assert server is not None
    fake = tmp_path / "rabbitmq-server"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    with place(tmp_path) as where, mounts(f"mount --bind {fake} {server.resolve()}") as mounted:
        limit = ("--broker-timeout", str(BROKER_TIMEOUT_S))
        argv = (sys.executable, "-m", "harness", "run", str(SCENARIO), "--runs-dir", str(where.runs), *limit)
        began_s = time.monotonic()
        done = mounted.run(argv, where.env)
        took_s = time.monotonic() - began_s
        left = left_over(where)
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stderr.count("error:") == 1
    assert all(words in done.stderr for words in said), done.stderr
    assert "Traceback" not in done.stderr
    assert took_s < BROKER_TIMEOUT_S + REST_S
    assert left == []
