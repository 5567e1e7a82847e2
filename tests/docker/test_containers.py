"""The broker and the proxy as containers: what a private node and Toxiproxy's binary do, they do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pika
import pytest

from harness.environment.container.containers import broker_container, proxy_container
from harness.environment.run.census import census
from harness.environment.run.run_scope import RunScope
from harness.environment.run.sweep import sweep_dead_runs
from harness.errors import MissingPartError, PartFailedError
from tests import docker_engine
from tests.broker_definitions import CONTROL, SYNC_LOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.environment.broker.broker import OwnBroker

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
QUEUE = "conversation_events_processing"
RUN_TIMEOUT_S = 200.0


def harness(runs_dir: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the small incident's fixed arm from the command line, to its end."""
    argv = [sys.executable, "-m", "harness", "run", str(ROOT / "tests/scenarios/quick_incident.yaml"), "--arm", "fixed"]
    return subprocess.run(
        [*argv, *options, "--runs-dir", str(runs_dir)],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def scope(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunScope]:
    """A run, with an engine that answers while it lasts."""
    folder = tmp_path_factory.mktemp("docker")
    with (
        RunScope("docker-tests", folder / "state") as run,
        docker_engine.docker_engine(folder, run.environment()),
    ):
        yield run
        docker_engine.remove_images()


@pytest.fixture(scope="module")
def broker_image(scope: RunScope) -> str:
    """RabbitMQ as it is installed here."""
    assert scope.run_id
    return docker_engine.make_broker_image()


@pytest.fixture(scope="module")
def proxy_image(scope: RunScope) -> str:
    """Toxiproxy as it is installed here."""
    assert scope.run_id
    return docker_engine.make_proxy_image()


@pytest.fixture(scope="module")
def node(scope: RunScope, broker_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """A broker in a container."""
    logs = tmp_path_factory.mktemp("logs")
    with broker_container(scope, logs, broker_image) as broker:
        assert census(scope.run_id, scope.root).containers, "the census counts a container by its label"
        yield broker
    assert not census(scope.run_id, scope.root).containers
    assert b"Server startup complete" in (logs / "rabbitmq-container.log").read_bytes()


def test_a_message_outlives_a_killed_container(scope: RunScope, node: OwnBroker) -> None:
    """Killed and started again it has its ports, its queue and the persistent message that it confirmed."""
    node.api.declare_queue(QUEUE)
    with pika.BlockingConnection(pika.URLParameters(node.amqp_url())) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("", QUEUE, b"kept", pika.BasicProperties(delivery_mode=2))
    container = census(scope.run_id, scope.root).containers[0]
    argv = ["docker", "exec", container, CONTROL, "eval", SYNC_LOG]
    subprocess.run(argv, check=True, capture_output=True, timeout=RUN_TIMEOUT_S)
    node.kill()
    with pytest.raises(PartFailedError):
        node.api.versions()
    node.start_again()
    with pika.BlockingConnection(pika.URLParameters(node.amqp_url())) as connection:
        assert connection.channel().basic_get(QUEUE, auto_ack=True)[2] == b"kept"


def test_a_link_through_the_container_is_cut_and_healed(
    scope: RunScope, node: OwnBroker, proxy_image: str, tmp_path: Path
) -> None:
    """The proxy in a container carries AMQP, refuses it while the link is down, and carries it again."""
    with proxy_container(scope, tmp_path, proxy_image) as proxy, proxy.link("amqp", node.upstream) as link:
        url = node.amqp_url(host=link.host, port=link.port)
        pika.BlockingConnection(pika.URLParameters(url)).close()
        link.set_enabled(False)
        with pytest.raises(pika.exceptions.AMQPConnectionError):
            pika.BlockingConnection(pika.URLParameters(url))
        link.set_enabled(True)
        pika.BlockingConnection(pika.URLParameters(url)).close()


def test_an_image_that_cannot_be_had_is_named_with_the_remedy(scope: RunScope, tmp_path: Path) -> None:
    """No traceback: which image, for what, and the command that gets it."""
    image = "127.0.0.1:1/no-such-image:1"  # a registry on loopback that nobody runs: no look-up leaves the machine
    with (
        pytest.raises(MissingPartError, match=f"{image} for RabbitMQ .*docker pull {image}"),
        broker_container(scope, tmp_path, image),
    ):
        pass


def test_without_an_engine_the_remedy_is_said(tmp_path: Path) -> None:
    """Exit 4, no traceback: what was asked for, that no engine answers, and that nothing is left."""
    done = harness(tmp_path, "--broker-image", "any:1", DOCKER_HOST=f"unix://{tmp_path / 'nobody.sock'}")
    assert done.returncode == 4
    assert "no Docker engine answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sweep_removes_a_dead_runs_container(proxy_image: str, tmp_path: Path) -> None:
    """What a killed harness left in the engine goes at the next start, found by its label."""
    script = (
        "import os, pathlib, sys\n"
        "from harness.environment.container.containers import proxy_container\n"
        "from harness.environment.run.run_scope import RunScope\n"
        "with RunScope('docker-dead', pathlib.Path(sys.argv[1])) as scope:\n"
        "    with proxy_container(scope, pathlib.Path(sys.argv[1]), sys.argv[2]):\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / "state"), proxy_image]
    died = subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=RUN_TIMEOUT_S, check=False)
    assert died.returncode == -9
    assert len(census("docker-dead", tmp_path / "state").containers) == 1
    swept = sweep_dead_runs(tmp_path / "state")
    assert [len(run.containers) for run in swept.runs] == [1]
    assert census("docker-dead", tmp_path / "state").clean


def test_a_scenario_runs_on_containers(broker_image: str, proxy_image: str, tmp_path: Path) -> None:
    """The whole path, ``harness run --broker-image … --proxy-image …``: verdict pass, and the versions on record."""
    done = harness(tmp_path, "--broker-image", broker_image, "--proxy-image", proxy_image)
    assert done.returncode == 0, done.stdout + done.stderr
    assert proxy_image in (tmp_path / "latest" / "manifest.json").read_text()
