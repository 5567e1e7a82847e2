"""The broker and the proxy of a run as containers, by testcontainers: for another version than the machine's own.

Used by the campaign where the user names an image. Both share the machine's network, so that all they listen on is free
ports of loopback, as it is for a node and a proxy that are processes. They carry the run's label, by
which ``sweep`` removes what a killed harness left and ``census`` counts it; testcontainers' own reaper is switched off,
since it would have to be pulled first. It builds no image, and the worker's memory limit is never a container's.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import docker.errors
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from harness.environment.broker.broker import OwnBroker
from harness.environment.broker.management_api import BrokerApi
from harness.environment.broker.node import WATERMARK_BYTES, NodePorts, api_answers, node_settings, timer_settings
from harness.environment.ports import LOOPBACK, free_port, free_ports
from harness.environment.proxy.proxy import TOXIPROXY, Proxy, answering_version
from harness.environment.proxy.toxiproxy_client import ToxiproxyClient
from harness.environment.run.state_folder import CONTAINER_LABEL
from harness.errors import MissingPartError, PartFailedError
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker.models.containers import Container

    from harness.environment.run.run_scope import RunScope

_GUEST = "guest"
# A first start of RabbitMQ takes 10 to 15 s in a container on two cores; five times that, for a machine that is busy.
_STARTUP_TIMEOUT_S = 75.0
_SHUTDOWN_TIMEOUT_S = 60  # docker kills what has not ended by then
_TAIL_LINES = 20
_SETTINGS_IN_CONTAINER = "/etc/rabbitmq/conf.d/90-harness.conf"  # read by RabbitMQ 3.9 and later


class ContainerNode:
    """The broker's container, to be killed and started again as a private node is."""

    def __init__(self, container: DockerContainer, startup_timeout_s: float = _STARTUP_TIMEOUT_S) -> None:
        self._container = container.get_wrapped_container()
        self._startup_timeout_s = startup_timeout_s

    def kill(self) -> None:
        """SIGKILL the container's processes; its files stay."""
        self._container.kill()

    def shut_down(self) -> None:
        """SIGTERM to the container, and wait until it has ended."""
        self._container.stop(timeout=_SHUTDOWN_TIMEOUT_S)

    def set_memory_watermark(self, size_bytes: int | None) -> None:
        """Set from which memory on the node blocks publishers; None sets what it started with."""
        wanted = WATERMARK_BYTES if size_bytes is None else size_bytes
        command = ["rabbitmqctl", "set_vm_memory_high_watermark", "absolute", str(wanted)]
        status, said = self._container.exec_run(command)
        if status != 0:
            raise PartFailedError(f"the RabbitMQ container took no other watermark: {said.decode(errors='replace')}")

    def start_again(self, api: BrokerApi) -> None:
        """Start the ended container with its ports and files. Raises PartFailedError when it does not come up."""
        self._container.start()
        self.wait_until_it_answers(api)

    def wait_until_it_answers(self, api: BrokerApi) -> None:
        """Wait for the management API."""
        wait_for(
            "the management API of the RabbitMQ container to answer",
            lambda: api_answers(api),
            timeout_s=self._startup_timeout_s,
            alive=lambda: _death(self._container),
        )


@contextlib.contextmanager
def broker_container(
    scope: RunScope,
    log_folder: Path,
    image: str,
    startup_timeout_s: float | None = None,
    acknowledgement_timeout_ms: int | None = None,
) -> Iterator[OwnBroker]:
    """Start RabbitMQ from ``image``, which has the management plugin (``rabbitmq:4-management``).

    Raises MissingPartError without a Docker engine or the image, PartFailedError when the broker does not come up.
    """
    ports = NodePorts(*free_ports(4))
    timers = [f"-rabbit {name} {value}" for name, value in timer_settings(acknowledgement_timeout_ms).items()]
    settings = scope.tmp / "rabbitmq-container.conf"
    settings.write_text(node_settings(ports) + "log.console = true\n")

    # testcontainers' own RabbitMqContainer decides on readiness by AMQP alone, in a way that it calls deprecated.
    def described(labels: dict[str, str]) -> DockerContainer:
        container = DockerContainer(image, network_mode="host", labels=labels)
        container.with_volume_mapping(settings, _SETTINGS_IN_CONTAINER, "ro")
        return container.with_envs(
            RABBITMQ_NODE_PORT=str(ports.amqp),
            RABBITMQ_NODENAME=f"harness-{ports.amqp}@localhost",
            RABBITMQ_DIST_PORT=str(ports.distribution),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=" ".join(["-kernel inet_dist_use_interface {127,0,0,1}", *timers]),
            ERL_EPMD_PORT=str(ports.epmd),
            ERL_EPMD_ADDRESS=LOOPBACK,
        )

    with (
        _running("RabbitMQ", image, described, scope, log_folder / "rabbitmq-container.log") as container,
        BrokerApi(f"http://{LOOPBACK}:{ports.management}", _GUEST, _GUEST) as api,
    ):
        node = ContainerNode(container, startup_timeout_s or _STARTUP_TIMEOUT_S)
        node.wait_until_it_answers(api)
        yield OwnBroker(
            host=LOOPBACK,
            amqp_port=ports.amqp,
            management_port=ports.management,
            api=api,
            versions=api.versions(),
            node=node,
        )


@contextlib.contextmanager
def proxy_container(scope: RunScope, log_folder: Path, image: str) -> Iterator[Proxy]:
    """Start Toxiproxy from ``image``, whose entry point is the server, as the official one's is.

    Raises as ``broker_container`` does.
    """
    port = free_port()

    def described(labels: dict[str, str]) -> DockerContainer:
        container = DockerContainer(image, network_mode="host", labels=labels)
        return container.with_command(["-host", LOOPBACK, "-port", str(port)])

    with _running("Toxiproxy", image, described, scope, log_folder / "toxiproxy-container.log") as container:
        client = ToxiproxyClient(LOOPBACK, port)
        version = wait_for(
            "the control API of the Toxiproxy container to answer",
            lambda: answering_version(client),
            timeout_s=_STARTUP_TIMEOUT_S,
            alive=lambda: _death(container.get_wrapped_container()),
        )
        yield Proxy(TOXIPROXY, f"{version} ({image})", f"http://{LOOPBACK}:{port}", client)


@contextlib.contextmanager
def _running(
    what: str, image: str, described: Callable[[dict[str, str]], DockerContainer], scope: RunScope, log_file: Path
) -> Iterator[DockerContainer]:
    """Start a container, labelled with the run; afterwards its log is kept and it is gone, whatever happened."""
    testcontainers_config.ryuk_disabled = True
    try:
        container = described({CONTAINER_LABEL: scope.run_id})
    except docker.errors.DockerException as error:
        raise MissingPartError(
            f"{what} was asked for as the container {image}, and no Docker engine answers ({error});"
            " start one, or leave the image out to use the machine's own"
        ) from error
    try:
        _start(what, image, container)
        yield container
    finally:
        _keep_log(container, log_file)
        container.stop()


def _start(what: str, image: str, container: DockerContainer) -> None:
    try:
        container.start()
    except docker.errors.DockerException as error:
        if _created(container) is None:
            raise MissingPartError(
                f"the image {image} for {what} is not here and can't be had: `docker pull {image}` ({error})"
            ) from error
        raise PartFailedError(f"the container of {what} from {image} did not start: {error}") from error


def _created(container: DockerContainer) -> Container | None:
    try:
        return container.get_wrapped_container()
    except ContainerStartException:
        return None


def _death(container: Container) -> str | None:
    container.reload()
    if container.status == "running":
        return None
    log = container.logs(tail=_TAIL_LINES).decode(errors="replace")
    return f"the container is {container.status}; its log ends:\n{log}"


def _keep_log(container: DockerContainer, log_file: Path) -> None:
    created = _created(container)
    if created is not None:
        with contextlib.suppress(docker.errors.DockerException):
            log_file.parent.mkdir(parents=True, exist_ok=True)
            log_file.write_bytes(created.logs())
