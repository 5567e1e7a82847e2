"""A private RabbitMQ node: its files, its two processes (the node and its epmd), its start and its end.

Used by ``broker`` alone. The node is Debian's RabbitMQ run by any user, with every path below the run's folder and
every listener on loopback; it never meets a system-wide node. It does not know queues.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.connection_attempt import ConnectionAttempt, attempt_connection
from harness.environment.ports import LOOPBACK, free_ports
from harness.environment.process import SIGKILL_STATUS, Child, ChildState, log_tail
from harness.errors import MissingPartError, NotEnforceableError, PartFailedError, WaitTimeoutError
from harness.waiting import NotYetError, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.environment.broker.management_api import BrokerApi

# Debian's /usr/sbin/rabbitmq-server insists on root and the system's configuration; the script behind it does not.
_SERVER_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
REMEDY = (
    "install RabbitMQ with `apt-get install rabbitmq-server` (a /usr/sbin/policy-rc.d that exits 101 keeps "
    "its system node from starting), or give --broker-url"
)

# Measured: 5.5 s on two idle cores. Ten times that, for a machine that is busy with something else.
STARTUP_TIMEOUT_S = 60.0
_ENDED_REMEDY = "mend what it says there, or give another broker with --broker-url; harness doctor names this one"
_SLOW_REMEDY = "on a machine that is only slow, give it longer with --broker-timeout; another broker with --broker-url"
# At SIGTERM the node closes its message stores within 0.1 s and then idles for 6 s before it exits. What it stores
# lives as long as the run, and its log is written by then, so its last seconds are not waited for.
_STOP_GRACE_S = 0.5
_SHUTDOWN_TIMEOUT_S = 60.0  # where its last seconds are waited for, ten times as long
_CONTROL_TIMEOUT_S = 60.0  # rabbitmqctl is an Erlang machine of its own: two seconds, more on a busy one

# Ready for 1500 messages of 3 MB, 4.6 GB in all. At the watermark publishers are blocked, and a blocked publisher would
# be taken for the incident: so it lies above the whole backlog. Paging, at which bodies that are on disk are dropped
# from memory, begins above the incident's backlog of 2.6 GB: a node that pages gives a burst out again at a fraction of
# its speed, and the workload would be the disk's. Measured with 1500 messages of 3.05 MB, published, then all taken by
# one consumer and not acknowledged: a resident set of 4.3 GB at most with a ratio of 0.5, no alarm.
WATERMARK_BYTES = 6_000_000_000
_PAGING_RATIO = 0.6
# In so many ticks an acknowledgement timeout is noticed a twentieth late at most; a tick is some work for each channel.
_TICKS = 20
_TICK_MS_MIN = 100
# Below this, publishers are blocked. RabbitMQ's own 50 MB are less than a burst writes between two looks at the disk.
_DISK_FREE_LIMIT_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class NodePorts:
    """The node's ports, all on loopback."""

    amqp: int
    management: int
    distribution: int
    epmd: int


def find_server() -> Path | None:
    """Return the script that starts a node as any user, or None when RabbitMQ is not here."""
    if _SERVER_SCRIPT.exists():
        return _SERVER_SCRIPT
    on_path = shutil.which("rabbitmq-server")
    return Path(on_path).resolve() if on_path else None


class BrokerNode:
    """One node with its data in ``folder`` and its logs in ``log_folder``.

    Killed and started again, it keeps ports and data. ``env`` is the base environment of its processes
    (``RunScope.environment()``); ``name`` must be a valid Erlang node name and differ between nodes.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        log_folder: Path,
        env: Mapping[str, str],
        *,
        startup_timeout_s: float = STARTUP_TIMEOUT_S,
        acknowledgement_timeout_ms: int | None = None,
    ) -> None:
        server, epmd = find_server(), shutil.which("epmd")
        if server is None or epmd is None:
            missing = "rabbitmq-server" if server is None else "epmd (of Erlang)"
            raise MissingPartError(f"{missing} is not on this machine: {REMEDY}")
        self._server = server
        self.name = name
        self.folder = folder
        self.log_folder = log_folder
        self.ports = NodePorts(*free_ports(4))
        self.acknowledgement_timeout_ms = acknowledgement_timeout_ms
        self._startup_timeout_s = startup_timeout_s
        self._env = _node_environment(self, env)
        # Erlang would start an epmd of its own, which outlives the node. Ours is a child, and ended like one.
        self._epmd = Child(
            "epmd",
            [epmd, "-port", str(self.ports.epmd), "-address", LOOPBACK],
            self._env,
            log_folder / "epmd.log",
            folder,
        )
        self._node = self._new_node()

    @property
    def pid(self) -> int:
        """Process id of the node, which is the Erlang VM itself."""
        return self._node.pid

    def start(self, api: BrokerApi) -> None:
        """Start epmd and the node, and wait until both the management API and AMQP answer.

        Raises PartFailedError with the log's tail when the node ends or does not come up in its time.
        """
        _write_files(self)
        self._epmd.start()
        self._start_node(api)

    def start_again(self, api: BrokerApi) -> None:
        """Start a node that has ended, with its data: durable queues and persistent messages are there again."""
        if self._node.poll() is None:
            raise PartFailedError(f"RabbitMQ node {self.name} (pid {self.pid}) still runs; kill() it first")
        self._node = self._new_node()
        self._start_node(api)

    def kill(self) -> None:
        """SIGKILL the node, as a crash would. epmd stays."""
        self._node.kill()

    def shut_down(self) -> None:
        """SIGTERM to the node, and wait until it has ended. epmd stays."""
        if self._node.terminate(_SHUTDOWN_TIMEOUT_S) == SIGKILL_STATUS:
            raise NotEnforceableError(f"RabbitMQ node {self.name} did not end within {_SHUTDOWN_TIMEOUT_S:g} s")

    def set_memory_watermark(self, size_bytes: int | None) -> None:
        """Set from which memory on the node blocks publishers; None sets what it started with."""
        wanted = WATERMARK_BYTES if size_bytes is None else size_bytes
        argv = [str(self._server.with_name("rabbitmqctl")), "set_vm_memory_high_watermark", "absolute", str(wanted)]
        log_file = self.log_folder / "rabbitmqctl.log"
        with Child("rabbitmqctl", argv, self._env, log_file, self.folder) as control:
            if control.wait(_CONTROL_TIMEOUT_S) != 0:
                raise PartFailedError(f"RabbitMQ node {self.name} took no other watermark:\n{control.tail()}")

    def stop(self) -> None:
        """End the node and epmd, whatever state they are in."""
        for child, grace_s in ((self._node, _STOP_GRACE_S), (self._epmd, _STOP_GRACE_S)):
            if child.state is not ChildState.NEW:
                child.terminate(grace_s)

    def _new_node(self) -> Child:
        return Child("RabbitMQ", [str(self._server)], self._env, self.log_folder / "rabbitmq-console.log", self.folder)

    def _start_node(self, api: BrokerApi) -> None:
        self._node.start()
        try:
            wait_for(
                f"the management API of RabbitMQ node {self.name} to answer",
                lambda: api_answers(api),
                timeout_s=self._startup_timeout_s,
                alive=self._death,
            )
            wait_for(
                f"RabbitMQ node {self.name} to speak AMQP on port {self.ports.amqp}",
                lambda: _speaks_amqp(self.ports.amqp),
                timeout_s=self._startup_timeout_s,
                alive=self._death,
            )
        except WaitTimeoutError as error:
            told = f"RabbitMQ runs; its console ends:\n{self._node.tail()}\n{self._own_log()}"
            raise PartFailedError(f"{error}\n{told}\n{_SLOW_REMEDY}") from error

    def _death(self) -> str | None:
        death = self._node.death()
        return None if death is None else f"{death}\n{self._own_log()}\n{_ENDED_REMEDY}"

    def _own_log(self) -> str:
        return f"its own log ends:\n{log_tail(self.log_folder / 'rabbitmq.log')}"


def node_settings(ports: NodePorts) -> str:
    """Return the rabbitmq.conf of a node of ours, whether it is a process or a container: all listeners on loopback."""
    return (
        f"listeners.tcp.1 = {LOOPBACK}:{ports.amqp}\n"
        f"management.tcp.ip = {LOOPBACK}\n"
        f"management.tcp.port = {ports.management}\n"
        # Figures are a second or two old only with all of these: queues report every so often (ms), and the management
        # plugin looks at the reports as often as its finest sample asks, every 5 s by default, whatever the first says.
        "collect_statistics_interval = 1000\n"
        "management.sample_retention_policies.global.minute = 1\n"
        "management.sample_retention_policies.basic.minute = 1\n"
        "management.sample_retention_policies.detailed.10 = 1\n"
        f"vm_memory_high_watermark.absolute = {WATERMARK_BYTES}\n"
        f"disk_free_limit.absolute = {_DISK_FREE_LIMIT_BYTES}\n"
    )


def _node_environment(node: BrokerNode, env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which the server script starts our node and no other."""
    # What a shell of the user sets for his own node must not reach ours.
    base = {name: value for name, value in env.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
    folder, logs = node.folder, node.log_folder
    return {
        **base,
        "HOME": str(folder),  # the Erlang cookie is made here
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_NODENAME": f"{node.name}@localhost",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        "RABBITMQ_PLUGINS_EXPAND_DIR": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "node.pid"),
        "RABBITMQ_LOG_BASE": str(logs),
        "RABBITMQ_LOGS": str(logs / "rabbitmq.log"),
        "RABBITMQ_UPGRADE_LOG": str(logs / "rabbitmq-upgrade.log"),
        "ERL_CRASH_DUMP": str(logs / "erl_crash.dump"),
        "ERL_CRASH_DUMP_BYTES": "10000000",
        "RABBITMQ_DIST_PORT": str(node.ports.distribution),
        "ERL_EPMD_PORT": str(node.ports.epmd),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        # The script then becomes the Erlang VM instead of a shell that waits for it: our child is the node itself.
        "RABBITMQ_ALLOW_INPUT": "true",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
    }


def _write_files(node: BrokerNode) -> None:
    for folder in (node.folder, node.log_folder, node.folder / "mnesia", node.folder / "generated"):
        folder.mkdir(parents=True, exist_ok=True)
    (node.folder / "rabbitmq-env.conf").write_text("")
    (node.folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
    (node.folder / "rabbitmq.conf").write_text(node_settings(node.ports) + "log.console = false\n")
    # Not in rabbitmq.conf: versions that have dropped the key refuse to start on it there, and overlook it here.
    settings = {
        "vm_memory_high_watermark_paging_ratio": _PAGING_RATIO,
        # A quorum queue counts once in a tick of its own, every 5 s by default: a drain would look too early.
        "quorum_tick_interval": 1000,
        **timer_settings(node.acknowledgement_timeout_ms),
    }
    pairs = ", ".join(f"{{{name}, {value}}}" for name, value in settings.items())
    (node.folder / "advanced.config").write_text(f"[{{rabbit, [{pairs}]}}].\n")


def timer_settings(timeout_ms: int | None) -> dict[str, int]:
    """Return a node's own settings for an acknowledgement timeout in real milliseconds; none for its default."""
    if timeout_ms is None:
        return {}
    # A channel looks at its deliveries once in a tick, every minute by default: far too seldom for a scaled timeout.
    return {"consumer_timeout": timeout_ms, "channel_tick_interval": max(_TICK_MS_MIN, timeout_ms // _TICKS)}


def api_answers(api: BrokerApi) -> bool:
    """Say that the management API answers; raises NotYetError, for ``wait_for``, while it does not."""
    try:
        api.versions()
    except PartFailedError as error:
        raise NotYetError(str(error)) from error
    return True


def _speaks_amqp(port: int) -> bool:
    """Open a connection as an AMQP client would; a ready broker answers."""
    if (seen := attempt_connection(LOOPBACK, port)) is not ConnectionAttempt.ANSWERED:
        raise NotYetError(f"port {port} {seen.value}")
    return True
