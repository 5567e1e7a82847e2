"""The one module that imports toxiproxy-python, and guards against what that library leaves open.

Used by ``proxy``. The library keeps host and port in a class, so one process could speak to one server only; it sets no
time-outs; it honours HTTP_PROXY; an HTTP 500 comes out as ``KeyError: 'name'``; ``add_toxic`` returns nothing, and the
server overlooks misspelt attributes. Here every call holds a lock and sets the address, every request has a limit and
no proxy, every refusal becomes PartFailedError, and a toxic is read back after it was added.
"""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import toxiproxy
import toxiproxy.api
import toxiproxy.exceptions

from harness.environment.proxy.toxics import Toxic, check_toxic
from harness.errors import NotEnforceableError, PartFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

# The server answers in milliseconds, or is stuck: its own limit, after which it answers 503, is 25 s.
_CALL_TIMEOUT_S = 10.0
_SERVER_ERROR = 500
_TOXICITY_PRECISION = 1e-6  # that of a 32-bit float near 1, rounded up
# The library's host and port belong to a class: one call at a time, whichever server it is for.
_LIBRARY_LOCK = threading.Lock()
_REFUSALS = (toxiproxy.exceptions.NotFound, toxiproxy.exceptions.ProxyExists, toxiproxy.exceptions.InvalidToxic)


class _GuardedRequests:
    """Stands in the library for the module ``requests``: its three verbs, with a limit, no proxy, and 5xx an error."""

    def __init__(self, requests: Any) -> None:
        self.RequestException = requests.RequestException
        self._session = requests.Session()
        self._session.trust_env = False
        # Calls are rare; a kept connection would only be a chance to meet one that the server has just closed.
        self._session.headers["Connection"] = "close"

    def get(self, url: str, **options: Any) -> Any:
        return self._checked("GET", url, options)

    def post(self, url: str, **options: Any) -> Any:
        return self._checked("POST", url, options)

    def delete(self, url: str, **options: Any) -> Any:
        return self._checked("DELETE", url, options)

    def _checked(self, verb: str, url: str, options: dict[str, Any]) -> Any:
        answer = self._session.request(verb, url, timeout=_CALL_TIMEOUT_S, **options)
        if answer.status_code >= _SERVER_ERROR:
            raise PartFailedError(
                f"the proxy at {url} answered HTTP {answer.status_code} to {verb}: {answer.text.strip()}"
            )
        return answer


class ToxiproxyClient:
    """The control API at ``host:port``.

    Every verb raises PartFailedError when the server does not answer within 10 s, or refuses.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def version(self) -> str:
        """Return what the server calls its version."""
        with self._library() as server:
            answer = server.version()
        if answer is None:
            raise PartFailedError(f"no proxy listens on {self.host}:{self.port}")
        return str(json.loads(answer)["version"])

    def create(self, name: str, upstream: str, listen: str) -> str:
        """Make a link; return the ``host:port`` it listens on."""
        with self._library() as server:
            return str(server.create(upstream=upstream, name=name, listen=listen).listen)

    def delete(self, name: str) -> None:
        """Remove a link; its connections are closed."""
        with self._link(name) as link:
            link.destroy()

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Take a link down (its connections are closed, new ones refused) or up again."""
        with self._link(name) as link:
            _ = link.enable() if enabled else link.disable()
        with self._link(name) as link:
            if link.enabled is not enabled:
                raise NotEnforceableError(
                    f"the proxy says that link {name!r} has enabled={link.enabled}, not {enabled}"
                )

    def is_enabled(self, name: str) -> bool:
        """Say whether the link is up."""
        with self._link(name) as link:
            return bool(link.enabled)

    def toxics(self, name: str) -> tuple[Toxic, ...]:
        """Return the toxics of a link as the server reports them."""
        with self._link(name) as link:
            return tuple(
                Toxic(each.name, each.type, each.stream, float(each.toxicity), dict(each.attributes))
                for each in link.toxics().values()
            )

    def add_toxic(self, name: str, toxic: Toxic) -> None:
        """Add ``toxic`` to a link and read it back.

        Raises UsageError before anything is sent when the toxic is not well-formed, NotEnforceableError when the server
        then reports another one.
        """
        check_toxic(toxic)
        with self._link(name) as link:
            link.add_toxic(
                name=toxic.name,
                type=toxic.type,
                stream=toxic.stream,
                toxicity=toxic.toxicity,
                attributes=dict(toxic.attributes),
            )
        in_force = next((each for each in self.toxics(name) if each.name == toxic.name), None)
        if in_force is None or not _covers(in_force, toxic):
            raise NotEnforceableError(f"asked the proxy for {toxic} on link {name!r}; it reports {in_force}")

    def remove_toxic(self, name: str, toxic_name: str) -> None:
        """Remove a toxic from a link."""
        with self._link(name) as link:
            link.destroy_toxic(toxic_name)

    @contextlib.contextmanager
    def _link(self, name: str) -> Iterator[Any]:
        with self._library() as server:
            link = server.get_proxy(name)
            if link is None:
                raise PartFailedError(f"the proxy at {self.host}:{self.port} has no link {name!r}")
            yield link

    @contextlib.contextmanager
    def _library(self) -> Iterator[Any]:
        with _LIBRARY_LOCK:
            guarded = toxiproxy.api.requests
            if not isinstance(guarded, _GuardedRequests):
                guarded = toxiproxy.api.requests = _GuardedRequests(guarded)
            server = toxiproxy.Toxiproxy()
            server.update_api_consumer(self.host, self.port)
            try:
                yield server
            except _REFUSALS as error:
                raise PartFailedError(f"the proxy at {self.host}:{self.port} refused: {_reason(error)}") from error
            except guarded.RequestException as error:
                raise PartFailedError(f"the proxy at {self.host}:{self.port} did not answer: {error!r}") from error


def _covers(in_force: Toxic, asked: Toxic) -> bool:
    """Say whether the server's toxic is the one asked for.

    The server fills in attributes that were left out, and keeps toxicity in 32 bits.
    """
    return (
        (in_force.type, in_force.stream) == (asked.type, asked.stream)
        and abs(in_force.toxicity - asked.toxicity) < _TOXICITY_PRECISION
        and asked.attributes.items() <= in_force.attributes.items()
    )


def _reason(error: Exception) -> str:
    """Return the server's own words: the library puts the raw body into its exceptions."""
    body = error.args[0] if error.args else b""
    return body.decode(errors="replace").strip() if isinstance(body, bytes) else str(body)
