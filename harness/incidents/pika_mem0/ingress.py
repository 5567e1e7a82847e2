"""The ingress of a trial: the worker under test's API server, started as a process on a free port.

``INGRESS`` keeps ``harness.protocols.ingress``. The trial starts it where the load goes through the API; the
publishers' process then posts with ``api_publisher``.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from harness.environment.ports import LOOPBACK
from harness.environment.process import Child
from harness.incidents.pika_mem0.api_publisher import ApiPublisher
from harness.incidents.pika_mem0.worker import MODULE
from harness.waiting import NotYetError, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.protocols.worker import Endpoints

# It is up within three seconds; the rest is for a busy machine.
_STARTUP_TIMEOUT_S = 30.0
_CALL_TIMEOUT_S = 5.0


class ConversationIngress:
    """``python -m worker_under_test ingress``: stores an event, then publishes its message."""

    @contextmanager
    def running(
        self, endpoints: Endpoints, env: Mapping[str, str], ready_file: Path, log_file: Path, *, cwd: Path
    ) -> Iterator[str]:
        """Start it, and yield its URL once it is connected to its broker; afterwards nothing of it runs.

        Raises PartFailedError with the log's tail when it does not come up in 30 s.
        """
        ready_file.unlink(missing_ok=True)
        argv = (*MODULE, "ingress", "--port", "0", "--ready-file", str(ready_file))
        variables = {
            "RABBITMQ_URL": endpoints.broker_url,
            "RABBITMQ_QUEUE": endpoints.queue,
            "DATABASE_URL": endpoints.database_url,
        }
        with (
            Child("the ingress", argv, {**env, **variables}, log_file, cwd=cwd) as child,
            httpx.Client(timeout=_CALL_TIMEOUT_S, trust_env=False) as client,
        ):
            yield wait_for(
                "the ingress to be healthy",
                lambda: _healthy_url(ready_file, client),
                timeout_s=_STARTUP_TIMEOUT_S,
                alive=child.death,
            )

    def publisher(self, url: str, sleep: Callable[[float], object]) -> ApiPublisher:
        """Return one connection to it."""
        return ApiPublisher(url, sleep=sleep)


def _healthy_url(ready_file: Path, client: httpx.Client) -> str:
    try:
        port = json.loads(ready_file.read_text(encoding="utf-8"))["port"]
    except FileNotFoundError as error:
        raise NotYetError(f"{ready_file} is not there") from error
    url = f"http://{LOOPBACK}:{port}"
    try:
        answer = client.get(f"{url}/healthz")
    except httpx.HTTPError as error:
        raise NotYetError(f"{url}/healthz: {error!r}") from error
    if not answer.is_success:
        raise NotYetError(f"{url}/healthz: HTTP {answer.status_code}: {answer.text}")
    return url


INGRESS = ConversationIngress()
