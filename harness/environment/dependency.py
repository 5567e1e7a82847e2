"""The fake pika-mem0 of a run: started as a process, and steered through its admin API.

The trial and ``harness.faults`` use it. Its argv, its ready file and its admin calls are those of
docs/reference/contracts.md; what the fake does with a rule is its own affair, and this module never imports it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from harness.environment.ports import LOOPBACK
from harness.environment.process import Child
from harness.environment.waiting import NotYetError, wait_for
from harness.errors import PartFailedError, WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.environment.run.run_scope import RunScope

EXTRACT_FACTS = "/extract_facts"
_CHECKOUT = Path(__file__).resolve().parents[2]
# It is up within two seconds; the rest is for a busy machine.
_STARTUP_TIMEOUT_S = 30.0
# The admin API has a port of its own that no fault reaches; what takes longer than this is a fake in trouble.
_CALL_TIMEOUT_S = 10.0
_FATE_TIMEOUT_S = 1.0
# It closes its journal at SIGTERM; the requests that hang are written as open, which takes no time.
_STOP_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Mem0:
    """A fake pika-mem0 that answers.

    Every verb raises PartFailedError when the admin API does not answer, or refuses.
    """

    url: str  # the data plane: what the worker calls, directly or through a link
    admin_url: str
    port: int
    pid: int
    _client: httpx.Client = field(repr=False)
    _child: Child = field(repr=False)

    @property
    def upstream(self) -> str:
        """``host:port`` of the data plane, for a proxy to connect to."""
        return f"{LOOPBACK}:{self.port}"

    def put_rules(
        self,
        rules: Iterable[Mapping[str, Any]],
        default: Mapping[str, Any] | None = None,
        *,
        path: str = EXTRACT_FACTS,
    ) -> None:
        """Replace the rules in force; the arguments are those of ``PUT /modes`` in the contract."""
        body: dict[str, Any] = {"path": path, "rules": [dict(rule) for rule in rules]}
        if default is not None:
            body["default"] = dict(default)
        self._call("PUT", "/modes", body)

    def rules(self, path: str = EXTRACT_FACTS) -> Mapping[str, Any]:
        """Return ``rules`` and ``default`` in force for ``path``, to prove that a change took effect."""
        rule_sets: list[dict[str, Any]] = self._call("GET", "/modes").json()["rule_sets"]
        found = next((rule_set for rule_set in rule_sets if rule_set["path"] == path), None)
        if found is None:
            raise PartFailedError(
                f"fake_mem0 has no rules for {path!r}; it serves {[each['path'] for each in rule_sets]}"
            )
        return found

    def stats(self) -> Mapping[str, Any]:
        """Return its counts: requests, open, hung, by mode, bytes read, ``rss_bytes``."""
        stats: Mapping[str, Any] = self._call("GET", "/stats").json()
        return stats

    def release(self) -> int:
        """Let go every request that hangs now, answered 503; return how many there were."""
        return int(self._call("POST", "/release").json()["released"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            # A process that is being killed closes its sockets a moment before it can be seen to have ended.
            with contextlib.suppress(WaitTimeoutError):
                self._child.wait(_FATE_TIMEOUT_S)
            fate = self._child.death() or "it still runs"
            raise PartFailedError(f"fake_mem0: {method} {self.admin_url}{path}: {error!r}; {fate}") from error
        if answer.is_error:
            raise PartFailedError(f"fake_mem0: {method} {path}: HTTP {answer.status_code}: {answer.text}")
        return answer


@contextlib.contextmanager
def fake_mem0(scope: RunScope, log_folder: Path, *, seed: int, journal: Path) -> Iterator[Mem0]:
    """Start the fake on free ports of loopback; afterwards nothing of it runs, and ``journal`` is complete.

    Raises PartFailedError with the log's tail when it does not come up in 30 s.
    """
    ready_file = scope.tmp / "fake_mem0.json"
    argv = [
        *(sys.executable, "-m", "fake_mem0", "serve"),
        *("--host", LOOPBACK, "--port", "0", "--admin-port", "0"),
        *("--seed", str(seed), "--journal", str(journal), "--ready-file", str(ready_file)),
    ]
    ready_file.unlink(missing_ok=True)
    journal.parent.mkdir(parents=True, exist_ok=True)
    child = Child("fake_mem0", argv, scope.environment(PYTHONPATH=str(_CHECKOUT)), log_folder / "fake_mem0.log")
    with contextlib.ExitStack() as stack:
        stack.enter_context(child)
        stack.callback(child.terminate, _STOP_GRACE_S)
        ready = wait_for(
            "fake_mem0 to write its ready file",
            lambda: _ready(ready_file),
            timeout_s=_STARTUP_TIMEOUT_S,
            alive=child.death,
        )
        admin_url = f"http://{LOOPBACK}:{ready['admin_port']}"
        client = stack.enter_context(httpx.Client(base_url=admin_url, timeout=_CALL_TIMEOUT_S, trust_env=False))
        yield Mem0(
            url=f"http://{LOOPBACK}:{ready['port']}",
            admin_url=admin_url,
            port=ready["port"],
            pid=ready["pid"],
            _client=client,
            _child=child,
        )


def _ready(ready_file: Path) -> dict[str, int]:
    """Return the ready file's ports and pid. It is written atomically: once there, it is whole."""
    try:
        ready: dict[str, int] = json.loads(ready_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotYetError(f"{ready_file} is not there") from error
    return ready
