"""What every proxy must do, asked of Toxiproxy and of the embedded proxy alike: so the second can stand in.

Lower bounds on time are the toxics' own; upper bounds are there to catch a hang, and are wide.
"""

import hashlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from harness.environment.proxy.proxy import EMBEDDED, TOXIPROXY, Link, Proxy, proxy
from harness.environment.run.run_scope import RunScope
from harness.errors import PartFailedError, UsageError

pytestmark = pytest.mark.integration

HANG_S = 20.0
PAYLOAD = random.Random(1142).randbytes(4_000_000)


@pytest.fixture(scope="module", params=[TOXIPROXY, EMBEDDED])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One proxy of each kind for the whole module."""
    folder = tmp_path_factory.mktemp(request.param)
    with (
        RunScope(f"conformance-{request.param}", folder / "state") as scope,
        proxy(scope, folder / "logs", kind=request.param) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """``host:port`` of a server that sends back what it gets, and closes when its client does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve_echo, args=(listener,), daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def link(server: Proxy, echo: str, request: pytest.FixtureRequest) -> Iterator[Link]:
    """A healthy link to the echo server, of this test alone."""
    with server.link(request.node.originalname, echo) as opened:
        yield opened


def test_says_which_server_it_is(server: Proxy) -> None:
    """The report names the part that was used."""
    assert server.kind in (TOXIPROXY, EMBEDDED)
    assert server.version[0].isdecimal()


def test_a_healthy_link_changes_nothing(link: Link) -> None:
    """Megabytes go both ways intact."""
    with connected(link) as client:
        assert digest(echoed(client, PAYLOAD)) == digest(PAYLOAD)


def test_latency_delays_an_answer(link: Link) -> None:
    """A delay of 200 ms is seen, and ends with the toxic."""
    link.add_toxic("slow", "latency", attributes={"latency": 200})
    with connected(link) as client:
        assert seconds_of(lambda: echoed(client, b"ping")) >= 0.2
        link.remove_toxic("slow")
        assert seconds_of(lambda: echoed(client, b"ping")) < 0.2


def test_latency_delays_a_stream_once_not_each_of_its_chunks(link: Link) -> None:
    """4 MB under 100 ms arrive intact in about that time: 120 chunks of 100 ms each would take 12 s."""
    link.add_toxic("slow", "latency", attributes={"latency": 100, "jitter": 50})
    with connected(link) as client:
        began_s = time.monotonic()
        assert digest(echoed(client, PAYLOAD)) == digest(PAYLOAD)
        assert time.monotonic() - began_s < 6.0


def test_bandwidth_limits_the_rate(link: Link) -> None:
    """At 1000 kB/s half a megabyte takes half a second, and arrives intact."""
    link.add_toxic("narrow", "bandwidth", attributes={"rate": 1000})
    with connected(link) as client:
        began_s = time.monotonic()
        assert echoed(client, PAYLOAD[:500_000]) == PAYLOAD[:500_000]
        assert 0.4 <= time.monotonic() - began_s < 3.0


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_bandwidth_of_0_is_a_stall_that_loses_nothing(link: Link, stream: str) -> None:
    """The silent hang: no byte arrives, no connection ends; healed, every byte is there."""
    with connected(link) as client:
        assert echoed(client, b"before") == b"before"
        link.add_toxic("stall", "bandwidth", stream, attributes={"rate": 0})
        sender = threading.Thread(target=client.sendall, args=(PAYLOAD,))
        sender.start()
        assert silent(client)
        link.remove_toxic("stall")
        received = exactly(client, len(PAYLOAD))
        sender.join(HANG_S)
    assert digest(received) == digest(PAYLOAD)


def test_a_stall_is_felt_by_the_sender(link: Link) -> None:
    """The proxy does not swallow what can't go on: the sender is blocked once the kernel's buffers are full."""
    link.add_toxic("stall", "bandwidth", "upstream", attributes={"rate": 0})
    with connected(link) as client:
        client.settimeout(3.0)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(64_000_000))


def test_toxics_coming_and_going_lose_nothing(link: Link) -> None:
    """Faults that are applied and healed in the middle of a transfer leave it intact and in order."""
    steps = [
        ("bandwidth", {"rate": 5000}),
        ("latency", {"latency": 30}),
        ("slicer", {"average_size": 4000, "delay": 10}),
    ]
    with connected(link) as client:
        sender = threading.Thread(target=client.sendall, args=(PAYLOAD,))
        sender.start()
        received = b""
        for kind, attributes in steps:
            link.add_toxic(f"{kind}-down", kind, "downstream", attributes=attributes)
            link.add_toxic(f"{kind}-up", kind, "upstream", attributes=attributes)
            received += exactly(client, 300_000)
            link.heal()
        received += exactly(client, len(PAYLOAD) - len(received))
        sender.join(HANG_S)
    assert digest(received) == digest(PAYLOAD)


def test_slicer_keeps_the_bytes(link: Link) -> None:
    """However the data are cut, they are the same data."""
    link.add_toxic("sliced", "slicer", attributes={"average_size": 1000, "size_variation": 500, "delay": 50})
    with connected(link) as client:
        assert echoed(client, PAYLOAD[:200_000]) == PAYLOAD[:200_000]


def test_limit_data_closes_after_so_many_bytes(link: Link) -> None:
    """Exactly the limit arrives, then the end."""
    link.add_toxic("cut", "limit_data", attributes={"bytes": 100_000})
    with connected(link) as client:
        client.sendall(PAYLOAD[:150_000])
        assert until_closed(client) == PAYLOAD[:100_000]


def test_timeout_drops_data_and_then_closes(link: Link) -> None:
    """Nothing comes back, and the connection is closed once the time has passed without data."""
    link.add_toxic("gone", "timeout", attributes={"timeout": 300})
    with connected(link) as client:
        began_s = time.monotonic()
        client.sendall(b"ping")
        assert until_closed(client) == b""
        assert time.monotonic() - began_s >= 0.25


def test_timeout_of_0_holds_the_connection_until_it_is_removed(link: Link) -> None:
    """Without a time it never closes by itself; its removal closes the connection, for what was dropped is lost."""
    link.add_toxic("void", "timeout", attributes={"timeout": 0})
    with connected(link) as client:
        client.sendall(b"ping")
        assert silent(client)
        link.remove_toxic("void")
        assert until_closed(client) == b""


def test_reset_peer_resets_new_connections(link: Link) -> None:
    """A connection opened under it ends with RST, which a client sees as ECONNRESET."""
    link.add_toxic("reset", "reset_peer", "upstream", attributes={"timeout": 0})
    with connected(link) as client:
        client.sendall(b"ping")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_reset_peer_closes_open_connections(link: Link) -> None:
    """A connection that was open before ends with FIN."""
    with connected(link) as client:
        assert echoed(client, b"before") == b"before"
        link.add_toxic("reset", "reset_peer", "upstream", attributes={"timeout": 0})
        client.sendall(b"ping")
        assert until_closed(client) == b""


def test_slow_close_holds_the_end_back(link: Link) -> None:
    """The server closes at once; the client sees it half a second later."""
    link.add_toxic("cut", "limit_data", attributes={"bytes": 4})
    link.add_toxic("lingering", "slow_close", attributes={"delay": 500})
    with connected(link) as client:
        client.sendall(b"ping")
        assert exactly(client, 4) == b"ping"
        assert seconds_of(lambda: until_closed(client)) >= 0.4


def test_a_link_that_is_down_closes_and_refuses(link: Link) -> None:
    """Down is down for open connections and for new ones; up again, it listens where it did."""
    with connected(link) as client:
        assert echoed(client, b"before") == b"before"
        link.set_enabled(False)
        assert until_closed(client) == b""
    assert not link.enabled
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((link.host, link.port), timeout=HANG_S)
    link.set_enabled(True)
    with connected(link) as client:
        assert echoed(client, b"after") == b"after"


def test_toxicity_0_meets_no_connection(link: Link) -> None:
    """A toxic applies to its share of the connections, and 0 is none."""
    link.add_toxic("rare", "bandwidth", toxicity=0.0, attributes={"rate": 0})
    with connected(link) as client:
        assert echoed(client, b"ping") == b"ping"


def test_links_do_not_disturb_each_other(server: Proxy, link: Link, echo: str) -> None:
    """A fault on one link leaves the next one healthy."""
    link.add_toxic("stall", "bandwidth", attributes={"rate": 0})
    with server.link("beside", echo) as beside, connected(beside) as client:
        assert echoed(client, b"ping") == b"ping"


def test_an_upstream_that_is_not_there_closes_the_connection(server: Proxy) -> None:
    """The proxy accepts, finds nobody, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
    with server.link("nobody", nobody) as link, connected(link) as client:
        assert until_closed(client) == b""


def test_toxics_are_reported_as_they_are_in_force(link: Link) -> None:
    """What was left out is 0, so that a report can prove which fault there was; healed, none is left."""
    link.add_toxic("slow", "latency", "upstream", toxicity=0.5, attributes={"latency": 20})
    (toxic,) = link.toxics()
    assert (toxic.name, toxic.type, toxic.stream, toxic.toxicity) == ("slow", "latency", "upstream", 0.5)
    assert toxic.attributes == {"latency": 20, "jitter": 0}
    link.heal()
    assert link.toxics() == ()


def test_a_misspelt_attribute_is_refused_before_it_is_sent(link: Link) -> None:
    """The server would overlook it, and the fault would be none."""
    with pytest.raises(UsageError, match="latancy"):
        link.add_toxic("slow", "latency", attributes={"latancy": 20})
    assert link.toxics() == ()


def test_refusals_of_the_server_are_errors(link: Link) -> None:
    """A second toxic of a name, and the removal of one that is not there, are said and not swallowed."""
    link.add_toxic("slow", "latency", attributes={"latency": 20})
    with pytest.raises(PartFailedError, match="toxic already exists"):
        link.add_toxic("slow", "latency", attributes={"latency": 20})
    with pytest.raises(PartFailedError, match="toxic not found"):
        link.remove_toxic("fast")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/proxies/nowhere", None, 404, "proxy not found"),
        ("POST", "/proxies", {"upstream": "127.0.0.1:1"}, 400, "missing required field: name"),
        ("POST", "/proxies", {"name": "{name}", "upstream": "127.0.0.1:1"}, 409, "proxy already exists"),
        ("POST", "/proxies/{name}/toxics", {"type": "lightning"}, 400, "invalid toxic type"),
        (
            *("POST", "/proxies/{name}/toxics", {"type": "latency", "stream": "sideways"}, 400),
            "stream was invalid, can be either upstream or downstream",
        ),
        ("DELETE", "/proxies/{name}/toxics/none", None, 404, "toxic not found"),
    ],
)
def test_errors_have_toxiproxys_words(
    server: Proxy, link: Link, method: str, path: str, body: dict[str, str] | None, status: int, error: str
) -> None:
    """Any client of Toxiproxy finds the status codes and texts it knows."""
    filled = None if body is None else {key: value.format(name=link.name) for key, value in body.items()}
    url = server.control_url + path.format(name=link.name)
    answer = httpx.request(method, url, json=filled, timeout=HANG_S, trust_env=False)
    assert (answer.status_code, answer.json()) == (status, {"error": error, "status": status})


def test_toxics_can_be_changed_and_everything_reset(server: Proxy, link: Link) -> None:
    """A change applies to open connections, and a reset brings every link up without toxics."""
    link.add_toxic("stall", "bandwidth", attributes={"rate": 0})
    with connected(link) as client:
        client.sendall(b"ping")
        assert silent(client)
        url = f"{server.control_url}/proxies/{link.name}/toxics/stall"
        changed = httpx.patch(url, json={"attributes": {"rate": 1000}}, timeout=HANG_S, trust_env=False)
        assert changed.json()["attributes"] == {"rate": 1000}
        assert exactly(client, 4) == b"ping"
    link.set_enabled(False)
    assert httpx.post(f"{server.control_url}/reset", timeout=HANG_S, trust_env=False).status_code == 204
    assert link.enabled
    assert link.toxics() == ()


@pytest.mark.parametrize("kind", [TOXIPROXY, EMBEDDED])
def test_nothing_of_a_proxy_is_left(kind: str, tmp_path: Path) -> None:
    """When its context is left, nobody listens on the control port, although links and toxics were still there."""
    with RunScope(f"proxy-leaves-{kind}", tmp_path / "state") as scope:
        with proxy(scope, tmp_path / "logs", kind=kind) as running:
            running.open_link("one", "127.0.0.1:1").add_toxic("stall", "bandwidth", attributes={"rate": 0})
        with pytest.raises(PartFailedError, match="no proxy listens"):
            running.client.version()


@contextmanager
def connected(link: Link) -> Iterator[socket.socket]:
    """A client's connection through the link."""
    with closing(socket.create_connection((link.host, link.port), timeout=HANG_S)) as client:
        yield client


def echoed(client: socket.socket, data: bytes) -> bytes:
    """Send ``data`` and return as many bytes as come back. Sent beside, for more than the buffers of the path hold."""
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    received = exactly(client, len(data))
    sender.join(HANG_S)
    return received


def exactly(client: socket.socket, size: int) -> bytes:
    """Return the next ``size`` bytes."""
    received = bytearray()
    while len(received) < size:
        part = client.recv(size - len(received))
        assert part, f"the connection ended after {len(received)} of {size} bytes"
        received += part
    return bytes(received)


def until_closed(client: socket.socket) -> bytes:
    """Return what arrives until the end. An end with unread data on the way is a reset; that is an end, too."""
    received = bytearray()
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return bytes(received)


def silent(client: socket.socket) -> bool:
    """Say whether for half a second neither data nor the end arrives."""
    client.settimeout(0.5)
    try:
        client.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        client.settimeout(HANG_S)
    return False


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long ``action`` takes."""
    began_s = time.monotonic()
    action()
    return time.monotonic() - began_s


def digest(data: bytes) -> str:
    """Compared instead of the data: a failure need not print megabytes."""
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


def _serve_echo(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with closing(connection):
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            return
