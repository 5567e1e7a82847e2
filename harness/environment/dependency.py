"""The dependency of a run: a fake, started as a process and steered through its admin API.

The trial and its faults use it. Which endpoints it has is data: the incident's, or the fake's own. Its argv, its ready
file and its admin calls are those of docs/reference/contracts.md; what the fake does with a rule is its own affair, and
this module never imports it.
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
from harness.errors import PartFailedError, WaitTimeoutError
from harness.waiting import NotYetError, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.environment.run.run_scope import RunScope

_CHECKOUT = Path(__file__).resolve().parents[2]
# It is up within two seconds; the rest is for a busy machine.
_STARTUP_TIMEOUT_S = 30.0
# The admin API has a port of its own that no fault reaches; what takes longer than this is a fake in trouble.
_CALL_TIMEOUT_S = 10.0
_END_TIMEOUT_S = 1.0
# It closes its journal at SIGTERM; the requests that hang are written as open, which takes no time.
_STOP_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Dependency:
    """A dependency that answers.

    Every verb raises PartFailedError when the admin API does not answer, or refuses.
    """

    url: str  # the data plane: what the worker calls, directly or through a link
    admin_url: str
    port: int
    pid: int
    paths: tuple[str, ...]  # of its endpoints
    _client: httpx.Client = field(repr=False)
    _child: Child = field(repr=False)

    @property
    def upstream(self) -> str:
        """``host:port`` of the data plane, for a proxy to connect to."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def path(self) -> str:
        """The path of its first endpoint: the one that rules are for unless they say otherwise."""
        return self.paths[0]

    def put_rules(
        self,
        rules: Iterable[Mapping[str, Any]],
        default: Mapping[str, Any] | None = None,
        *,
        path: str | None = None,
    ) -> None:
        """Replace the rules in force; the arguments are those of ``PUT /modes`` in the contract."""
        body: dict[str, Any] = {"path": path or self.path, "rules": [dict(rule) for rule in rules]}
        if default is not None:
            body["default"] = dict(default)
        self._call("PUT", "/modes", body)

    def rules(self, path: str | None = None) -> Mapping[str, Any]:
        """Return ``rules`` and ``default`` in force for ``path``, to prove that a change took effect."""
        rule_sets: list[dict[str, Any]] = self._call("GET", "/modes").json()["rule_sets"]
        wanted = path or self.path
        found = next((rule_set for rule_set in rule_sets if rule_set["path"] == wanted), None)
        if found is None:
            raise PartFailedError(
                f"the dependency has no rules for {wanted!r}; it serves {[each['path'] for each in rule_sets]}"
            )
        return found

    def stats(self) -> Mapping[str, Any]:
        """Return its counts: requests, open, hung, by mode, bytes read, ``rss_bytes``."""
        stats: Mapping[str, Any] = self._call("GET", "/stats").json()
        return stats

    def release(self, how: str = "reset") -> int:
        """End every request that hangs now; return how many there were.

        ``how`` is "reset" (its connection is cut), or "answer" (it is answered well, where no answer has begun).
        """
        return int(self._call("POST", f"/release?how={how}").json()["released"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            # A process that is being killed closes its sockets a moment before it can be seen to have ended.
            with contextlib.suppress(WaitTimeoutError):
                self._child.wait(_END_TIMEOUT_S)
            state = self._child.death() or "it still runs"
            raise PartFailedError(f"the dependency: {method} {self.admin_url}{path}: {error!r}; {state}") from error
        if answer.is_error:
            raise PartFailedError(f"the dependency: {method} {path}: HTTP {answer.status_code}: {answer.text}")
        return answer


@contextlib.contextmanager
def running_dependency(
    scope: RunScope, log_folder: Path, *, seed: int, journal: Path, endpoints: Iterable[Mapping[str, Any]] = ()
) -> Iterator[Dependency]:
    """Start the fake on free ports of loopback; afterwards nothing of it runs, and ``journal`` is complete.

    ``endpoints`` are documents as the fake's ``--endpoint`` takes them; without any it has its own.
    Raises PartFailedError with the log's tail when it does not come up in 30 s.
    """
    ready_file = scope.tmp / "dependency.json"
    argv = [
        *(sys.executable, "-m", "fake_mem0", "serve"),
        *("--host", LOOPBACK, "--port", "0", "--admin-port", "0"),
        *("--seed", str(seed), "--journal", str(journal), "--ready-file", str(ready_file)),
        *(word for endpoint in endpoints for word in ("--endpoint", json.dumps(endpoint))),
    ]
    ready_file.unlink(missing_ok=True)
    journal.parent.mkdir(parents=True, exist_ok=True)
    child = Child("the dependency", argv, scope.environment(PYTHONPATH=str(_CHECKOUT)), log_folder / "dependency.log")
    with contextlib.ExitStack() as stack:
        stack.enter_context(child)
        stack.callback(child.terminate, _STOP_GRACE_S)
        ready = wait_for(
            "the dependency to write its ready file",
            lambda: _ready(ready_file),
            timeout_s=_STARTUP_TIMEOUT_S,
            alive=child.death,
        )
        admin_url = f"http://{LOOPBACK}:{ready['admin_port']}"
        client = stack.enter_context(httpx.Client(base_url=admin_url, timeout=_CALL_TIMEOUT_S, trust_env=False))
        yield Dependency(
            url=f"http://{LOOPBACK}:{ready['port']}",
            admin_url=admin_url,
            port=ready["port"],
            pid=ready["pid"],
            paths=tuple(ready["paths"]),
            _client=client,
            _child=child,
        )


def _ready(ready_file: Path) -> dict[str, Any]:
    """Return the ready file's ports, pid and paths. It is written atomically: once there, it is whole."""
    try:
        ready: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotYetError(f"{ready_file} is not there") from error
    return ready
