"""What RabbitMQ's management API can be asked, as frozen figures.

Used by the probes, the trial and ``broker``. It speaks HTTP to one broker, with a limit on every call and without any
proxy of the environment. It publishes and consumes nothing. Figures are as old as the broker's statistics interval (1 s
on a private node): a drain is settled when two readings agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx

from harness.errors import PartFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The API of a broker that pages 3 MB messages out was seen to take a second; ten times that is a broker in trouble.
_CALL_TIMEOUT_S = 10.0
# A virtual host goes with what its queues hold: 600 MB of dead letters took more than ten seconds on a busy machine.
_DELETION_TIMEOUT_S = 60.0
_BAD_REQUEST = 400
_REASON_CHARS_MAX = 300
DEFAULT_VHOST = "/"
_MOVING = frozenset({"dead-letter-exchange", "message-ttl"})  # settings of a queue whose messages do not stay


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """One queue. Counts are messages; those of what happened are since the queue was declared."""

    ready: int
    unacked: int
    redelivered: int
    acked: int  # acknowledged by consumers
    consumers: int
    message_bytes: int  # bodies only, ready and unacknowledged
    name: str = ""
    delivered: int = 0  # to consumers and to basic.get, redeliveries and those without an acknowledgement included
    moves_on: bool = False  # its messages do not stay: it has a dead-letter exchange or a time to live

    @property
    def messages(self) -> int:
        """How many it holds, in nobody's hand or in a consumer's."""
        return self.ready + self.unacked


@dataclass(frozen=True, slots=True)
class Consumer:
    """One consumer of a queue."""

    tag: str
    prefetch_count: int  # as the broker enforces it for this consumer; 0 is unlimited
    ack_required: bool
    connection: str  # "127.0.0.1:40000 -> 127.0.0.1:5672"
    channel: str = ""  # the connection's name with the channel's number


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a virtual host."""

    name: str
    connection: str
    prefetch_of_channel: int  # what all its consumers together may hold; 0 is unlimited
    unacked: int


@dataclass(frozen=True, slots=True)
class NodeState:
    """The broker's own state. While an alarm is on, publishers are blocked."""

    memory_bytes: int
    memory_alarm: bool
    disk_free_alarm: bool


@dataclass(frozen=True, slots=True)
class BrokerVersions:
    """What the broker runs."""

    rabbitmq: str
    erlang: str


class BrokerApi:
    """The management API at ``url`` (``http://host:port``).

    Every verb raises PartFailedError when the API does not answer, or refuses.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._user = user
        self._client = httpx.Client(base_url=url, auth=(user, password), trust_env=False)

    def versions(self) -> BrokerVersions:
        """Return the versions of RabbitMQ and Erlang."""
        overview = self._json("/overview")
        return BrokerVersions(rabbitmq=overview["rabbitmq_version"], erlang=overview["erlang_version"])

    def node(self) -> NodeState:
        """Return the memory the (first) node uses, and its alarms."""
        node = self._json("/nodes")[0]
        return NodeState(
            memory_bytes=node.get("mem_used", 0),
            memory_alarm=node.get("mem_alarm", False),
            disk_free_alarm=node.get("disk_free_alarm", False),
        )

    def queue(self, name: str, *, vhost: str = DEFAULT_VHOST) -> QueueCounts:
        """Return the counts of one queue."""
        return _queue_counts(self._json(_path("queues", vhost, name)))

    def queues(self, *, vhost: str = DEFAULT_VHOST) -> tuple[QueueCounts, ...]:
        """Return the counts of every queue of the virtual host, by name."""
        return tuple(_queue_counts(each) for each in self._json(_path("queues", vhost)))

    def channels(self, *, vhost: str = DEFAULT_VHOST) -> tuple[Channel, ...]:
        """Return the virtual host's open channels."""
        # Until a channel's first statistics come, it has none of these keys.
        return tuple(
            Channel(
                name=each["name"],
                connection=_details(each.get("connection_details", {})).get("name", ""),
                prefetch_of_channel=each.get("global_prefetch_count", 0),
                unacked=each.get("messages_unacknowledged", 0),
            )
            for each in self._json(_path("vhosts", vhost, "channels"))
            if "name" in each
        )

    def heartbeats_s(self, *, vhost: str = DEFAULT_VHOST) -> dict[str, float]:
        """Return the heartbeat that each connection of the virtual host negotiated, in seconds; 0 is none."""
        found = self._json(_path("vhosts", vhost, "connections"))
        return {each["name"]: float(each["timeout"]) for each in found if "timeout" in each}

    def consumers(self, queue: str, *, vhost: str = DEFAULT_VHOST) -> tuple[Consumer, ...]:
        """Return the consumers of ``queue``, with the prefetch count that is in force."""
        return tuple(
            Consumer(
                tag=each["consumer_tag"],
                prefetch_count=each["prefetch_count"],
                ack_required=each["ack_required"],
                connection=_details(each["channel_details"]).get("connection_name", ""),
                channel=_details(each["channel_details"]).get("name", ""),
            )
            for each in self._json(_path("consumers", vhost))
            if each["queue"]["name"] == queue
        )

    def declare_queue(
        self, name: str, *, vhost: str = DEFAULT_VHOST, durable: bool = True, kind: str = "classic"
    ) -> None:
        """Declare a queue, "classic" or "quorum"; one that is there with the same settings is left as it is."""
        # Named only where it is no default: a client that declares the queue again must name the same arguments.
        arguments = {} if kind == "classic" else {"x-queue-type": kind}
        body = {"durable": durable, "auto_delete": False, "arguments": arguments}
        self._call("PUT", _path("queues", vhost, name), body)

    def put_policy(self, queue: str, settings: Mapping[str, int], *, vhost: str = DEFAULT_VHOST) -> None:
        """Set settings of one queue by a policy: unlike arguments, a client that declares it need not know them."""
        body = {"pattern": f"^{re.escape(queue)}$", "definition": dict(settings), "apply-to": "queues"}
        self._call("PUT", _path("policies", vhost, "harness"), body)

    def policy_in_force(self, queue: str, *, vhost: str = DEFAULT_VHOST) -> Mapping[str, int]:
        """Return the settings of a queue that a policy gives it."""
        found: Mapping[str, int] = self._json(_path("queues", vhost, queue)).get("effective_policy_definition") or {}
        return found

    def purge(self, queue: str, *, vhost: str = DEFAULT_VHOST) -> None:
        """Drop the ready messages. Unacknowledged ones stay."""
        self._call("DELETE", _path("queues", vhost, queue, "contents"))

    def delete_queue(self, name: str, *, vhost: str = DEFAULT_VHOST) -> None:
        """Delete a queue and all it holds."""
        self._call("DELETE", _path("queues", vhost, name))

    def connections(self) -> tuple[str, ...]:
        """Return the names of the open AMQP connections."""
        return tuple(each["name"] for each in self._json("/connections"))

    def close_connections(self) -> int:
        """Close every AMQP connection from the broker's side; return how many. Clients see CONNECTION_FORCED."""
        names = self.connections()
        for name in names:
            # One that ended by itself meanwhile answers 404, which is what we want.
            self._call("DELETE", _path("connections", name), missing_is_fine=True)
        return len(names)

    def create_vhost(self, name: str) -> None:
        """Create a virtual host and give our user all rights on it."""
        self._call("PUT", _path("vhosts", name))
        self._call("PUT", _path("permissions", name, self._user), {"configure": ".*", "write": ".*", "read": ".*"})

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host with its queues, if it is there; its connections are closed."""
        self._call("DELETE", _path("vhosts", name), missing_is_fine=True, timeout_s=_DELETION_TIMEOUT_S)

    def close(self) -> None:
        """Close the HTTP connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exit: object) -> None:
        self.close()

    def _json(self, path: str) -> Any:
        return self._call("GET", path).json()

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        missing_is_fine: bool = False,
        timeout_s: float = _CALL_TIMEOUT_S,
    ) -> httpx.Response:
        try:
            # The slash of the default virtual host must stay %2F: httpx keeps what is already quoted.
            answer = self._client.request(method, f"/api{path}", json=body, timeout=timeout_s)
        except httpx.HTTPError as error:
            raise PartFailedError(f"RabbitMQ's management API at {self.url}: {method} {path}: {error!r}") from error
        if answer.status_code >= _BAD_REQUEST and not (missing_is_fine and answer.status_code == httpx.codes.NOT_FOUND):
            raise PartFailedError(
                f"RabbitMQ's management API at {self.url}: {method} {path}: "
                f"HTTP {answer.status_code}: {answer.text[:_REASON_CHARS_MAX]}"
            )
        return answer


def _queue_counts(queue: dict[str, Any]) -> QueueCounts:
    """Return what the API says of a queue; one that the statistics have not reached yet lacks most keys."""
    counted = queue.get("message_stats", {})
    settings = {**(queue.get("effective_policy_definition") or {}), **queue.get("arguments", {})}
    return QueueCounts(
        ready=queue.get("messages_ready", 0),
        unacked=queue.get("messages_unacknowledged", 0),
        redelivered=counted.get("redeliver", 0),
        acked=counted.get("ack", 0),
        consumers=queue.get("consumers", 0),
        message_bytes=queue.get("message_bytes", 0),
        name=queue.get("name", ""),
        delivered=counted.get("deliver_get", 0),
        moves_on=any(name.removeprefix("x-") in _MOVING for name in settings),
    )


def _details(details: dict[str, Any] | list[Any]) -> dict[str, Any]:
    """Return the details of a channel; until its first statistics come, the API writes none as an empty *list*."""
    return details if isinstance(details, dict) else {}


def _path(*parts: str) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)
