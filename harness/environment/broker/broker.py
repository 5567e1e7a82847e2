"""The broker of a run: a private RabbitMQ node, or one that the user names.

The trial and the commands use it: ``with broker(scope, logs) as handle``. The node itself is ``broker_node``'s, its
figures are ``broker_api``'s. It declares no queue by itself and sends no message.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, quote, unquote, urlsplit

from harness.environment.broker.management_api import DEFAULT_VHOST, BrokerApi, BrokerVersions
from harness.environment.broker.node import STARTUP_TIMEOUT_S, BrokerNode
from harness.environment.ports import LOOPBACK, is_loopback
from harness.errors import RefusedTargetError, UsageError
from harness.redaction import masked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.environment.run.run_scope import RunScope

# RabbitMQ lets this user in from loopback only.
_GUEST = "guest"
_AMQP_PORT = 5672
_MANAGEMENT_PORT = 15672
# Erlang limits a node's name as a whole to 255; the run id is cut well before.
_NODE_NAME_CHARS_MAX = 100


class OwnNode(Protocol):
    """A broker that the run itself started, as a process or as a container."""

    def kill(self) -> None:
        """SIGKILL it."""

    def shut_down(self) -> None:
        """End it in good order."""

    def set_memory_watermark(self, size_bytes: int | None) -> None:
        """Set from which memory on it blocks publishers; None sets what it started with."""

    def start_again(self, api: BrokerApi) -> None:
        """Start it with its ports and data, and wait until it answers."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that answers. ``repr`` and messages never show the password."""

    host: str
    amqp_port: int
    management_port: int
    api: BrokerApi = field(repr=False)
    versions: BrokerVersions
    user: str = _GUEST
    password: str = field(default=_GUEST, repr=False)
    vhost: str = DEFAULT_VHOST

    def amqp_url(self, vhost: str | None = None, *, host: str | None = None, port: int | None = None) -> str:
        """Return the AMQP URL, password included.

        ``host`` and ``port`` replace the broker's own: those of a link through the proxy.
        """
        name = quote(self.vhost if vhost is None else vhost, safe="")
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"amqp://{login}@{host or self.host}:{port or self.amqp_port}/{name}"

    @property
    def upstream(self) -> str:
        """``host:port`` of AMQP, for a proxy to connect to."""
        return f"{self.host}:{self.amqp_port}"


@dataclass(frozen=True, slots=True)
class OwnBroker(Broker):
    """A broker that the run itself started: the only kind that faults may break."""

    node: OwnNode = field(repr=False, kw_only=True)

    def kill(self) -> None:
        """SIGKILL the node, as a crash would."""
        self.node.kill()

    def shut_down(self) -> None:
        """End the node in good order, as a service manager would."""
        self.node.shut_down()

    def set_memory_watermark(self, size_bytes: int | None) -> None:
        """Set from which memory on the node blocks publishers; None sets what it started with.

        Raises PartFailedError when the node refuses.
        """
        self.node.set_memory_watermark(size_bytes)

    def has_memory_alarm(self) -> bool:
        """Return whether the node reports that its memory is above the watermark. Raises PartFailedError."""
        return self.api.node().memory_alarm

    def start_again(self) -> None:
        """Start the ended node with its ports and data, and wait until it answers.

        Raises PartFailedError when it does not come up.
        """
        self.node.start_again(self.api)


@contextlib.contextmanager
def broker(
    scope: RunScope,
    log_folder: Path,
    startup_timeout_s: float | None = None,
    acknowledgement_timeout_ms: int | None = None,
) -> Iterator[OwnBroker]:
    """Start a private node for the run; within the context it answers, afterwards nothing of it runs.

    Data are in ``scope.tmp``, logs in ``log_folder``, where they stay. Takes 5 to 6 s on two idle cores. Two runs have
    two nodes. It has ``startup_timeout_s``, by default a minute, to answer. ``acknowledgement_timeout_ms`` is how long
    a delivery may wait for its acknowledgement, by default RabbitMQ's 30 minutes. Raises MissingPartError without
    RabbitMQ, PartFailedError with the log's tail when it does not come up.
    """
    name = "harness-" + re.sub(r"[^A-Za-z0-9_-]", "-", scope.run_id)[:_NODE_NAME_CHARS_MAX]
    node = BrokerNode(
        name,
        scope.tmp / "rabbitmq",
        log_folder,
        scope.environment(),
        startup_timeout_s=startup_timeout_s or STARTUP_TIMEOUT_S,
        acknowledgement_timeout_ms=acknowledgement_timeout_ms,
    )
    with contextlib.ExitStack() as stack:
        api = stack.enter_context(BrokerApi(f"http://{LOOPBACK}:{node.ports.management}", _GUEST, _GUEST))
        stack.callback(node.stop)
        node.start(api)
        yield OwnBroker(
            host=LOOPBACK,
            amqp_port=node.ports.amqp,
            management_port=node.ports.management,
            api=api,
            versions=api.versions(),
            node=node,
        )


@contextlib.contextmanager
def external_broker(
    url: str, *, allow_target: bool = False, management_port: int = _MANAGEMENT_PORT
) -> Iterator[Broker]:
    """Use the broker at ``url`` (``amqp://user:password@host:port/vhost``).

    Its management API is expected on the same host. Raises RefusedTargetError when the host is not this machine and
    ``allow_target`` is not set, UsageError for a URL that is none, and PartFailedError when the
    management API does not answer.
    """
    parts = accepted_url(url, allow_target=allow_target)
    user, password = unquote(parts.username or _GUEST), unquote(parts.password or _GUEST)
    # An IPv6 address needs its brackets back.
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    with BrokerApi(f"http://{host}:{management_port}", user, password) as api:
        yield Broker(
            host=host,
            amqp_port=parts.port or _AMQP_PORT,
            management_port=management_port,
            api=api,
            versions=api.versions(),
            user=user,
            password=password,
            vhost=unquote(parts.path[1:]) or DEFAULT_VHOST,
        )


def accepted_url(url: str, *, allow_target: bool) -> SplitResult:
    """Return the parts of a broker URL that load and chaos may go to. Connects to nothing.

    Raises RefusedTargetError when its host is not this machine and ``allow_target`` is not set, UsageError for a URL
    that is none.
    """
    parts = urlsplit(url)
    if parts.scheme != "amqp" or not parts.hostname:
        raise UsageError(f"{masked(url)} is no broker URL; write amqp://user:password@host:port/vhost")
    if not allow_target and not is_loopback(parts.hostname):
        raise RefusedTargetError(
            f"{masked(url)} is not on this machine; load and chaos go there only with --allow-target"
        )
    return parts
