"""One publisher over HTTP: one connection to the ingress, one conversation in flight, every one accepted or not.

Used by ``locustfile`` in the place of ``Publisher``, with the same verbs: a 202 is what a broker's confirm is there. It
imports neither locust nor gevent. It repeats nothing: a conversation that got no 202 is the caller's to write down.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

# The ingress answers within its own timeout of 10 s; the rest is for bodies of 3 MB on a machine whose cores are busy.
ANSWER_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
_EVENTS = "/conversation_events"
_HEALTH = "/healthz"


class ApiPublisher:
    """Posts conversations to the ingress at ``url``. ``sleep`` sleeps for a number of seconds."""

    def __init__(self, url: str, *, sleep: Callable[[float], object]) -> None:
        self._sleep = sleep
        self._client = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        )

    def connect(self) -> str | None:
        """Ask the ingress for its health; return None when it is well, or what is wrong in a sentence."""
        try:
            answer = self._client.get(_HEALTH)
        except httpx.HTTPError as error:
            return f"not connected: {_describe(error)}"
        return None if answer.is_success else _said(answer)

    def wait_until(self, mono_s: float) -> None:
        """Return when the monotonic clock shows ``mono_s``. An idle HTTP connection needs no care meanwhile."""
        while (left_s := mono_s - time.monotonic()) > 0:
            self._sleep(left_s)

    def publish(self, message_id: str, body: bytes) -> str | None:
        """Post one conversation and wait for the answer; return None when it was accepted, else why not."""
        del message_id  # it is in the body
        try:
            answer = self._client.post(_EVENTS, content=body, headers={"Content-Type": "application/json"})
        except httpx.HTTPError as error:
            return _describe(error)
        return None if answer.status_code == httpx.codes.ACCEPTED else _said(answer)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _said(answer: httpx.Response) -> str:
    return f"HTTP {answer.status_code}: {answer.text}"


def _describe(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else repr(error)
