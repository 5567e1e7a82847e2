"""Each fault on real parts: it does what it says while it is in force, to those who were there before as to newcomers.

And nothing of it is left when it is healed.
"""

import contextlib
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pika
import psutil
import pytest
from pika.exceptions import ConnectionBlockedTimeout

from harness.connection_attempt import ConnectionAttempt, attempt_connection
from harness.environment.broker.broker import OwnBroker, broker
from harness.environment.dependency import running_dependency
from harness.environment.memory_limit import choose_memory_limits
from harness.environment.proxy.proxy import Link, proxy
from harness.environment.run.run_scope import RunScope
from harness.environment.supervisor import RestartPolicy, Supervisor, WorkerLaunch
from harness.errors import NotEnforceableError
from harness.faults.context import FaultContext
from harness.faults.registry import put_in_force
from harness.record import Scalar
from harness.scenario import FAULTS
from harness.waiting import wait_for
from tests.broker_definitions import write_definitions_out

pytestmark = pytest.mark.integration

LIMIT_S = 30.0
SCALE = 10.0
LIMIT_BYTES = 64 * 2**20
WAITS_FOR_SIGTERM = (
    "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\nprint('ready', flush=True)\n"
    "while True: signal.pause()"
)
DEAF_TO_SIGTERM = WAITS_FOR_SIGTERM.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")


@dataclass
class Rig:
    """The parts that the tests of this module share."""

    context: FaultContext
    scope: RunScope
    folder: Path

    @property
    def link(self) -> Link:
        """The worker's link to the broker."""
        link: Link = self.context.link
        return link

    @property
    def node(self) -> OwnBroker:
        """The broker."""
        node: OwnBroker = self.context.broker
        return node

    def fault(self, name: str, **settings: object) -> contextlib.AbstractContextManager[str]:
        """Return the context of a fault, as a scenario file would name it; its duration is the test's own."""
        model = FAULTS[name]
        lasting = {"for": "60s"} if "for_" in model.model_fields else {}
        fault: Any = model.model_validate({"fault": name, **lasting, **settings})
        return put_in_force(fault, self.context)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A broker behind a link, and a pika-mem0; a worker where a test starts one."""
    folder = tmp_path_factory.mktemp("faults")
    with (
        RunScope(f"faults-test-{uuid.uuid4().hex[:8]}", folder / "state") as scope,
        broker(scope, folder / "logs") as node,
        proxy(scope, folder / "logs") as the_proxy,
        the_proxy.link("amqp", node.upstream) as link,
        running_dependency(scope, folder / "logs", seed=1, journal=folder / "calls.jsonl") as mem0,
    ):
        yield Rig(FaultContext(link, node, None, None, mem0, time_scale=SCALE), scope, folder)


@contextlib.contextmanager
def connected(link: Link) -> Iterator[socket.socket]:
    """Yield a connection through the link that has said nothing yet."""
    with socket.create_connection((link.host, link.port), timeout=LIMIT_S) as connection:
        yield connection


def greet(connection: socket.socket) -> bytes:
    """Say what an AMQP client says first, and return the first byte of the answer."""
    connection.sendall(b"AMQP\x00\x00\x09\x01")
    return connection.recv(1)


def attempt_on(link: Link, limit_s: float = 0.5) -> ConnectionAttempt:
    """Return how the link takes a newcomer."""
    return attempt_connection(link.host, link.port, limit_s)


def test_a_link_with_latency_is_late_both_ways(rig: Rig) -> None:
    """Guarantees incident time: 2 s at a scale of 10 are 200 ms there and 200 ms back, and nothing is left of them."""
    with rig.fault("link_latency", latency="2s") as seen:
        began_s = time.monotonic()
        assert attempt_on(rig.link, LIMIT_S) is ConnectionAttempt.ANSWERED
        assert time.monotonic() - began_s >= 0.4
    assert "latency=200" in seen
    assert rig.link.toxics() == ()


def test_a_stalled_link_says_nothing_and_loses_nothing(rig: Rig) -> None:
    """Guarantees a silent hang: what was sent meanwhile arrives when it is healed."""
    with connected(rig.link) as connection:
        with rig.fault("link_stalled"):
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            assert attempt_on(rig.link) is ConnectionAttempt.SILENT
        assert connection.recv(1) == b"\x01"


def test_a_link_that_times_out_loses_what_was_sent(rig: Rig) -> None:
    """Guarantees that this one is no stall: healed, the connection is closed without an answer."""
    with connected(rig.link) as connection:
        with rig.fault("link_timeout"):
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            assert attempt_on(rig.link) is ConnectionAttempt.SILENT
        assert connection.recv(1) == b""
    assert attempt_on(rig.link, LIMIT_S) is ConnectionAttempt.ANSWERED


def test_a_narrow_link_takes_its_time(rig: Rig) -> None:
    """Guarantees bytes by the second of real time: the broker's greeting of half a kilobyte at 1 kB a second."""
    with rig.fault("link_bandwidth", per_second="1 kB", stream="downstream"), connected(rig.link) as connection:
        began_s = time.monotonic()
        assert greet(connection) == b"\x01"
        received = 1
        while received < 400:
            received += len(connection.recv(4096))
        assert time.monotonic() - began_s >= 0.3
    assert attempt_on(rig.link, LIMIT_S) is ConnectionAttempt.ANSWERED


def test_a_sliced_link_delivers_in_pieces(rig: Rig) -> None:
    """Guarantees slices, each after its delay: 400 bytes in slices of at most 30 need 13 delays of 20 ms."""
    with (
        rig.fault("link_sliced", size="20 B", delay="200ms", stream="downstream"),
        connected(rig.link) as connection,
    ):
        began_s = time.monotonic()
        received = len(greet(connection))
        while received < 400:
            received += len(connection.recv(4096))
        assert time.monotonic() - began_s >= 0.2
    assert attempt_on(rig.link, LIMIT_S) is ConnectionAttempt.ANSWERED


@pytest.mark.parametrize(
    ("name", "newcomers"),
    [("link_cut", ConnectionAttempt.REFUSED), ("link_reset", ConnectionAttempt.BROKEN_OFF)],
)
def test_a_broken_link_closes_what_is_open_and_keeps_newcomers_out(
    rig: Rig, name: str, newcomers: ConnectionAttempt
) -> None:
    """Guarantees that an idle connection ends too, which the toxic alone would leave, and that the port comes back."""
    with connected(rig.link) as connection:
        assert greet(connection) == b"\x01"
        with rig.fault(name):
            assert attempt_on(rig.link) is newcomers
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(4096):
                    pass
    assert attempt_on(rig.link, LIMIT_S) is ConnectionAttempt.ANSWERED


def test_the_same_toxic_may_be_in_force_twice(rig: Rig) -> None:
    """Guarantees that one of them healed leaves the other."""
    with rig.fault("link_latency", latency="1s"):
        with rig.fault("link_latency", latency="2s"):
            assert len(rig.link.toxics()) == 4
        assert {toxic.attributes["latency"] for toxic in rig.link.toxics()} == {100}
    assert rig.link.toxics() == ()


@pytest.mark.parametrize("name", ["broker_killed", "broker_restarted"])
def test_a_broker_that_goes_comes_back_with_its_messages(rig: Rig, name: str) -> None:
    """Guarantees a refused port while it is gone, and what it had confirmed once it is back."""
    queue = f"kept-{name}"
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(rig.node.amqp_url()))) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", queue, b"kept", pika.BasicProperties(delivery_mode=2))
    write_definitions_out(rig.node)

    with rig.fault(name) as seen:
        assert "refuses" in seen
        assert attempt_connection(rig.node.host, rig.node.amqp_port) is ConnectionAttempt.REFUSED

    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(rig.node.amqp_url()))) as connection:
        assert connection.channel().basic_get(queue, auto_ack=True)[2] == b"kept"


def test_a_memory_alarm_blocks_publishers(rig: Rig) -> None:
    """Guarantees that a publish hangs while it is on, and goes through when it is off."""
    parameters = pika.URLParameters(rig.node.amqp_url())
    parameters.blocked_connection_timeout = 1.0

    def publish() -> None:
        connection = pika.BlockingConnection(parameters)
        channel = connection.channel()
        channel.queue_declare("alarmed")
        channel.confirm_delivery()
        channel.basic_publish("", "alarmed", b"x")
        connection.close()

    with rig.fault("broker_memory_alarm"), pytest.raises(ConnectionBlockedTimeout):
        publish()
    publish()


def test_the_dependency_misbehaves_for_a_while(rig: Rig) -> None:
    """Guarantees a 429 with its Retry-After in real seconds, and the former rules afterwards."""
    mem0 = rig.context.dependency
    mem0.put_rules([], {"mode": "answer", "latency": {"seconds": 0.0}})
    before = mem0.rules()

    def call() -> httpx.Response:
        body = {"formatted_conversation": "a", "payload": {"conversation_id": "c"}}
        return httpx.post(f"{mem0.url}/extract_facts", json=body, timeout=LIMIT_S, trust_env=False)

    with rig.fault("dependency_misbehaves", default={"mode": "status", "status": 429, "retry_after": "20s"}):
        refused = call()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert call().status_code == 200
    assert mem0.rules() == before


def test_refused_connections_are_refused_and_taken_again(rig: Rig) -> None:
    """Guarantees a shut port while the fault is in force."""
    mem0 = rig.context.dependency
    with rig.fault("dependency_misbehaves", default={"mode": "refuse"}):
        assert attempt_connection("127.0.0.1", mem0.port, 0.5) is ConnectionAttempt.REFUSED
    assert attempt_connection("127.0.0.1", mem0.port, 0.5) is not ConnectionAttempt.REFUSED


@pytest.fixture
def worker(rig: Rig) -> Iterator[Callable[..., Rig]]:
    """Return a function that starts a worker of any code, kept running by a supervisor; it returns the rig with it."""
    memory_limits = choose_memory_limits(rig.scope.run_id)
    with contextlib.ExitStack() as stack:

        def start(code: str = WAITS_FOR_SIGTERM, *, restarts_max: int = 1) -> Rig:
            logs = rig.folder / f"worker-{uuid.uuid4().hex[:6]}"
            launch = WorkerLaunch(
                argv=lambda _incarnation: (sys.executable, "-S", "-c", code),
                env=lambda _incarnation: rig.scope.environment(),
                cwd=rig.folder,
                logs=logs,
            )

            def on_event(kind: str, **data: Scalar) -> None:
                """Forget it: the tests ask the supervisor itself."""
                del kind, data

            policy = RestartPolicy(0.05, restarts_max)
            supervisor = Supervisor(launch, memory_limits, LIMIT_BYTES, policy, on_event, name="faulty", grace_s=5.0)
            stack.enter_context(supervisor)
            log = logs / "worker-0.log"
            wait_for("the worker", lambda: log.exists() and "ready" in log.read_text(), timeout_s=LIMIT_S)
            return replace(rig, context=replace(rig.context, worker=supervisor))

        yield start


@pytest.mark.parametrize("name", ["worker_killed", "worker_terminated"])
def test_a_worker_that_is_ended_has_a_next_incarnation(worker: Callable[..., Rig], name: str) -> None:
    """Guarantees that the fault is over when the supervisor has started the worker again."""
    rig = worker()
    with rig.fault(name) as seen:
        assert "incarnation 0 of the worker" in seen
    incarnation = rig.context.worker.current
    assert incarnation is not None
    assert incarnation.index == 1


def test_a_worker_that_does_not_end_is_killed_after_its_grace(worker: Callable[..., Rig]) -> None:
    """Guarantees an end for a worker that is deaf to SIGTERM."""
    rig = worker(DEAF_TO_SIGTERM)
    with rig.fault("worker_terminated", grace="3s") as seen:
        assert "had to be killed" in seen


def test_a_worker_without_a_next_incarnation_is_not_healed(worker: Callable[..., Rig]) -> None:
    """Guarantees that a worker which the supervisor gave up is no fault that went by."""
    rig = worker(restarts_max=0)
    with pytest.raises(Exception, match="an incarnation of the worker after incarnation 0"), rig.fault("worker_killed"):
        pass
    with pytest.raises(NotEnforceableError, match="none is alive"), rig.fault("worker_frozen"):
        pass


def test_a_frozen_worker_goes_on(worker: Callable[..., Rig]) -> None:
    """Guarantees that the process is stopped by the kernel's own word, and hears signals again afterwards."""
    rig = worker()
    incarnation = rig.context.worker.current
    assert incarnation is not None
    with rig.fault("worker_frozen"):
        assert psutil.Process(incarnation.pid).status() == psutil.STATUS_STOPPED
    rig.context.worker.signal(signal.SIGTERM)
    wait_for("the worker to heed it", lambda: rig.context.worker.current is not incarnation, timeout_s=LIMIT_S)
