"""The ingress of a trial: the worker under test's API server, started as a process on a free port.

Used by the trial where the load goes through the API. Which command it is, and what it finds in its environment, is
the caller's affair; what it does with a conversation is its own.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from harness.environment.ports import LOOPBACK
from harness.environment.process import Child
from harness.environment.waiting import NotYetError, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

# It is up within three seconds; the rest is for a busy machine.
_STARTUP_TIMEOUT_S = 30.0
_CALL_TIMEOUT_S = 5.0


@contextmanager
def ingress(
    argv: Sequence[str], env: Mapping[str, str], ready_file: Path, log_file: Path, *, cwd: Path
) -> Iterator[str]:
    """Start it, and yield its URL once it is connected to its broker; afterwards nothing of it runs.

    Raises PartFailedError with the log's tail when it does not come up in 30 s.
    """
    ready_file.unlink(missing_ok=True)
    with (
        Child("the ingress", argv, env, log_file, cwd=cwd) as child,
        httpx.Client(timeout=_CALL_TIMEOUT_S, trust_env=False) as client,
    ):
        yield wait_for(
            "the ingress to be healthy",
            lambda: _healthy_url(ready_file, client),
            timeout_s=_STARTUP_TIMEOUT_S,
            alive=child.death,
        )


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
