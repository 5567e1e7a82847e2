"""The proxy of a run: Toxiproxy where it is installed, else the embedded one. Network faults are made on its links.

The trial uses it: ``with proxy(scope, logs) as handle, handle.link("broker", upstream)``. Both servers
speak the same HTTP API and pass the same conformance tests. When a toxic comes and goes is ``harness.faults``' affair;
this module has no schedule.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environment.ports import LOOPBACK, free_port
from harness.environment.process import Child
from harness.environment.proxy.toxics import Toxic
from harness.environment.proxy.toxiproxy_client import ToxiproxyClient
from harness.errors import MissingPartError, PartFailedError
from harness.waiting import NotYetError, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.environment.run.run_scope import RunScope

TOXIPROXY = "toxiproxy"
EMBEDDED = "embedded"
_BINARY_NAME = "toxiproxy-server"
_CHECKOUT = Path(__file__).resolve().parents[3]
TOXIPROXY_REMEDY = (
    f"build it with `go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0`, "
    f"and put it as {_BINARY_NAME} on PATH or into the checkout's .tools"
)
# Toxiproxy listens within 50 ms, the embedded proxy within a second; the rest is for a busy machine.
_STARTUP_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Link:
    """One proxied connection path. Clients connect to ``listen``, the proxy connects them to ``upstream``."""

    name: str
    listen: str  # host:port
    upstream: str  # host:port
    client: ToxiproxyClient = field(repr=False)

    @property
    def host(self) -> str:
        """The host part of ``listen``."""
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port of ``listen``."""
        return int(self.listen.rpartition(":")[2])

    def add_toxic(
        self,
        name: str,
        type: str,  # noqa: A002 - Toxiproxy's own word for it
        stream: str = "downstream",
        toxicity: float = 1.0,
        attributes: Mapping[str, int] | None = None,
    ) -> None:
        """Add a toxic and make sure that it is in force. See ``toxics.TOXICS`` for types, attributes and units.

        Raises UsageError, before anything is sent, for a toxic that is not well-formed; NotEnforceableError when the
        server reports another one.
        """
        self.client.add_toxic(self.name, Toxic(name, type, stream, toxicity, attributes or {}))

    def remove_toxic(self, name: str) -> None:
        """Remove a toxic. Raises PartFailedError when there is none of that name."""
        self.client.remove_toxic(self.name, name)

    def toxics(self) -> tuple[Toxic, ...]:
        """Return the toxics in force, as the server reports them."""
        return self.client.toxics(self.name)

    def set_enabled(self, enabled: bool) -> None:
        """Take the link down (connections closed, new ones refused) or up again, and make sure that it is."""
        self.client.set_enabled(self.name, enabled=enabled)

    @property
    def enabled(self) -> bool:
        """Whether the link is up, as the server reports it."""
        return self.client.is_enabled(self.name)

    def heal(self) -> None:
        """Remove every toxic and take the link up."""
        for toxic in self.toxics():
            self.remove_toxic(toxic.name)
        if not self.enabled:
            self.set_enabled(True)

    def close(self) -> None:
        """Remove the link; its connections are closed."""
        self.client.delete(self.name)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that answers."""

    kind: str  # "toxiproxy" | "embedded"
    version: str  # "2.12.0"
    control_url: str
    client: ToxiproxyClient = field(repr=False)

    def open_link(self, name: str, upstream: str) -> Link:
        """Make a link to ``upstream`` (``host:port``) on a free port of loopback. Names are unique in a proxy."""
        return Link(name, self.client.create(name, upstream, f"{LOOPBACK}:0"), upstream, self.client)

    @contextlib.contextmanager
    def link(self, name: str, upstream: str) -> Iterator[Link]:
        """Make a link as ``open_link`` does; afterwards it is gone."""
        link = self.open_link(name, upstream)
        try:
            yield link
        finally:
            link.close()


def find_toxiproxy() -> Path | None:
    """Return the Toxiproxy server: on PATH, else in the checkout's ``.tools``; None when it is in neither."""
    on_path = shutil.which(_BINARY_NAME)
    if on_path is not None:
        return Path(on_path)
    built = _CHECKOUT / ".tools" / _BINARY_NAME
    return built if built.exists() else None


@contextlib.contextmanager
def proxy(scope: RunScope, log_folder: Path, *, kind: str | None = None) -> Iterator[Proxy]:
    """Start the proxy of a run; afterwards nothing of it runs.

    ``kind`` is "toxiproxy", "embedded", or None for Toxiproxy where it is and else the embedded proxy. Raises
    MissingPartError when Toxiproxy is asked for and not here, PartFailedError with the log's tail when the proxy does
    not come up.
    """
    binary = None if kind == EMBEDDED else find_toxiproxy()
    if binary is None and kind == TOXIPROXY:
        raise MissingPartError(f"{_BINARY_NAME} is not here: {TOXIPROXY_REMEDY}")
    port = free_port()
    program = [str(binary)] if binary is not None else [sys.executable, "-m", "harness.environment.proxy.embedded"]
    argv = [*program, "-host" if binary else "--host", LOOPBACK, "-port" if binary else "--port", str(port)]
    name = "Toxiproxy" if binary is not None else "the embedded proxy"
    env = scope.environment(PYTHONPATH=str(_CHECKOUT))
    with Child(name, argv, env, log_folder / "toxiproxy.log") as child:
        client = ToxiproxyClient(LOOPBACK, port)
        answered = wait_for(
            f"the control API of {name} to answer",
            lambda: answering_version(client),
            timeout_s=_STARTUP_TIMEOUT_S,
            alive=child.death,
        )
        version = (binary and binary_version(binary)) or answered
        yield Proxy(TOXIPROXY if binary is not None else EMBEDDED, version, f"http://{LOOPBACK}:{port}", client)


def binary_version(binary: Path) -> str | None:
    """Return the version that Go's linker wrote into the binary, e.g. "2.12.0"; None when it is not there.

    A server built by ``go install`` calls itself "git": its version is only set by the project's own release build.
    """
    found = re.search(rb"\tgithub\.com/Shopify/toxiproxy/v2\tv([0-9][0-9A-Za-z.+-]*)", binary.read_bytes())
    return found[1].decode("ascii") if found else None


def answering_version(client: ToxiproxyClient) -> str:
    """Return the version that the control API reports; raises NotYetError, for ``wait_for``, while it is silent."""
    try:
        return client.version()
    except PartFailedError as error:
        raise NotYetError(str(error)) from error
