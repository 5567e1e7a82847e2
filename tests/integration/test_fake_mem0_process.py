"""The fake as a process: how it starts, is steered, shuts its port, bears a thousand hung requests, and ends."""

import json
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from fake_mem0.endpoints import parse_all
from fake_mem0.modes import MODES, name_of
from fake_mem0.rules import choose
from fake_mem0.rules_document import parse
from harness.waiting import wait_for

pytestmark = pytest.mark.integration

FAKE = [sys.executable, "-m", "fake_mem0"]
FACTS = "/extract_facts"
DEFAULTS = {endpoint.path: endpoint.default for endpoint in parse_all(())}
MIB = 2**20


@dataclass(frozen=True)
class Fake:
    """A running fake and what its ready file says."""

    child: subprocess.Popen[bytes]
    ready: Mapping[str, int]
    journal: Path

    @property
    def admin_url(self) -> str:
        """The admin API's address."""
        return f"http://127.0.0.1:{self.ready['admin_port']}"

    def call(self, method: str, path: str, document: object = None) -> httpx.Response:
        """Call the admin API."""
        with httpx.Client(base_url=self.admin_url, timeout=10, trust_env=False) as client:
            return client.request(method, path, json=document)

    def put(self, **document: Any) -> None:
        """Set rules."""
        self.call("PUT", "/modes", document).raise_for_status()

    def stats(self) -> Mapping[str, Any]:
        """Return the counts."""
        counts: Mapping[str, Any] = self.call("GET", "/stats").json()
        return counts

    def connect(self) -> socket.socket:
        """Return a connection to the data plane; every wait on it ends after 10 s."""
        return socket.create_connection(("127.0.0.1", self.ready["port"]), timeout=10)

    def lines(self) -> list[Mapping[str, Any]]:
        """Return the journal."""
        return [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]


@contextmanager
def running(folder: Path, *options: str, prefix: Sequence[str] = ()) -> Iterator[Fake]:
    """Run a fake on free ports; it is gone afterwards, however the test ended."""
    files = {"--journal": folder / "calls.jsonl", "--ready-file": folder / "ready.json"}
    paths = [str(part) for pair in files.items() for part in pair]
    command = [*prefix, *FAKE, "serve", "--port", "0", "--admin-port", "0", "--seed", "1142", *paths, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline(), "the fake ended before it was ready"
            yield Fake(child, json.loads(files["--ready-file"].read_text(encoding="utf-8")), files["--journal"])
        finally:
            child.send_signal(signal.SIGCONT)
            child.terminate()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """Run one fake for one test."""
    with running(tmp_path) as started:
        yield started


def request(conversation_id: str, filler_bytes: int = 0) -> bytes:
    """Return a whole request of that conversation; its id comes last."""
    body = json.dumps({"formatted_conversation": "x" * filler_bytes, "conversation_id": conversation_id}).encode()
    return f"POST {FACTS} HTTP/1.1\r\nHost: mem0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def command_line(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run([*FAKE, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_the_ready_file_says_where_and_who(fake: Fake) -> None:
    """Both ports answer as soon as the file is there, and the pid is the process's."""
    assert set(fake.ready) == {"port", "admin_port", "pid", "paths"}
    assert fake.ready["pid"] == fake.child.pid
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"http://127.0.0.1:{fake.ready['port']}/healthz").status_code == 200
    assert set(fake.stats()) >= {"requests", "open", "hung", "by_mode", "bytes_read", "rss_bytes"}


def test_sigterm_journals_what_is_open_and_ends_with_0(fake: Fake) -> None:
    """One line for each open request, outcome ``open``; the process is gone within a second of the signal."""
    fake.put(default={"mode": "hang_forever"})
    with ExitStack() as stack:
        for number in range(3):
            connection = stack.enter_context(fake.connect())
            connection.sendall(request(f"c-{number}"))
        wait_for("three hung requests", lambda: fake.stats()["hung"] == 3, timeout_s=10)
        told_mono_s = time.monotonic()
        fake.child.terminate()
        assert fake.child.wait(timeout=10) == 0
        assert time.monotonic() - told_mono_s < 1
    assert [(line["mode"], line["status"], line["outcome"]) for line in fake.lines()] == [
        ("hang_forever", None, "open")
    ] * 3
    assert {line["message_id"] for line in fake.lines()} == {"c-0", "c-1", "c-2"}


def test_refuse_shuts_the_port_until_new_rules_lift_it(fake: Fake) -> None:
    """New connections are refused, idle ones closed, hung requests kept; later the same port answers again."""
    fake.put(default={"mode": "hang_then_500", "seconds": 3600})
    with fake.connect() as hung, fake.connect() as idle:
        hung.sendall(request("hung"))
        wait_for("the request to hang", lambda: fake.stats()["hung"] == 1, timeout_s=10)

        fake.put(rules=[{"mode": "refuse", "rate": 1}])

        assert fake.stats()["port_open"] is False
        with pytest.raises(ConnectionRefusedError):
            fake.connect()
        assert idle.recv(1) == b""
        assert fake.stats()["hung"] == 1

        # A busy connection is kept, but what is asked over it later is cut.
        assert fake.call("POST", "/release?how=answer").json() == {"released": 1}
        assert hung.recv(65_536).startswith(b"HTTP/1.1 200")
        hung.sendall(request("late"))
        with pytest.raises(ConnectionResetError):
            hung.recv(1)

    fake.put(default={"mode": "answer", "latency": {"seconds": 0}})
    with fake.connect() as connection:
        connection.sendall(request("after"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    wait_for("three lines", lambda: len(fake.lines()) == 3, timeout_s=10)
    assert [(line["mode"], line["outcome"]) for line in fake.lines()] == [
        ("hang_then_500", "answered"),
        ("refuse", "reset"),
        ("answer", "answered"),
    ]


def test_bad_rules_are_refused_and_leave_the_old_ones_in_force(fake: Fake) -> None:
    """400 with the sentence; what was in force is so still."""
    fake.put(default={"mode": "status", "status": 500})
    before = fake.call("GET", "/modes").json()
    wrongs: list[object] = [{"rules": [{"mode": "status", "rate": 2}]}, {"default": {"mode": "refuse", "x": 1}}, []]
    for wrong in wrongs:
        response = fake.call("PUT", "/modes", wrong)
        assert response.status_code == 400
        assert "accepted: " in response.json()["error"]
    with httpx.Client(trust_env=False) as client:
        assert client.put(f"{fake.admin_url}/modes", content=b"{").status_code == 400
    assert fake.call("GET", "/modes").json() == before


def test_every_request_meets_the_rule_that_its_seed_conversation_and_attempt_say(fake: Fake) -> None:
    """300 requests over ten connections at once, two attempts each: the journal is what the pure function foretells."""
    document = {
        "rules": [{"mode": "status", "rate": 0.3}, {"mode": "invalid_json", "rate": 0.2}],
        "default": {"mode": "answer", "latency": {"seconds": 0.001}},
    }
    fake.put(**document)
    with ExitStack() as stack:
        connections = [stack.enter_context(fake.connect()) for _ in range(10)]
        for number in range(30):
            for lane, connection in enumerate(connections):
                connection.sendall(request(f"c-{lane}-{number // 2}"))
            for connection in connections:
                assert connection.recv(65_536)
    # A line is written when its answer has been sent, so the last ones may come after it.
    lines = wait_for("300 lines", lambda: lines if len(lines := fake.lines()) == 300 else None, timeout_s=10)
    for line in lines:
        foretold = choose(parse(document, DEFAULTS), 1142, line["message_id"], line["attempt"])
        assert line["mode"] == name_of(foretold)
    assert {line["attempt"] for line in lines} == {1, 2}
    assert {line["mode"] for line in lines} == {"status", "invalid_json", "answer"}


def test_the_command_line_sets_shows_and_releases(fake: Fake) -> None:
    """What an engineer does at a terminal: set, stats, release, each saying what it did as JSON."""
    admin = ("--admin", fake.admin_url)
    done = command_line("set", "--rule", "hang_then_500:rate=1,seconds=3600", *admin)
    assert done.returncode == 0
    assert json.loads(done.stdout)["rules"] == [{"mode": "hang_then_500", "seconds": 3600.0, "rate": 1.0}]
    with fake.connect() as connection:
        connection.sendall(request("c"))
        wait_for("the request to hang", lambda: fake.stats()["hung"] == 1, timeout_s=10)
        assert json.loads(command_line("stats", *admin).stdout)["by_mode"] == {"hang_then_500": 1}
        assert json.loads(command_line("release", "--how", "answer", *admin).stdout) == {"released": 1}
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["set", "--rule", "status:rate=2"], 2, "rules[0].rate is 2; accepted: a number from 0 to 1"),
        (["set", "--default", "hang:seconds=3"], 2, "default.mode is 'hang'; accepted: answer, status"),
        (["set", "--rule", "status:rate"], 2, "'rate' in 'status:rate' is no setting"),
        (["serve", "--port", "70000"], 2, "--port"),
        (["serve", "--host", "999.0.0.1"], 1, "host '999.0.0.1' can't be resolved"),
        (["stats", "--admin", "http://127.0.0.1:1"], 1, "no admin API at http://127.0.0.1:1"),
        (["stats", "--admin", "nonsense"], 1, "no admin API at nonsense"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_and_has_its_exit_code(
    arguments: list[str], status: int, said: str
) -> None:
    """2 for bad usage and bad settings, without any server; 1 for what can't be had. Never a stack trace."""
    done = command_line(*arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(fake: Fake) -> None:
    """Exit 1 with the port and the remedy; the fake that has it goes on."""
    done = command_line("serve", "--port", str(fake.ready["port"]), "--admin-port", "0")
    assert done.returncode == 1
    assert f"port {fake.ready['port']} of 127.0.0.1 can't be had" in done.stderr
    assert fake.stats()["port_open"] is True


def test_modes_lists_every_mode_with_its_settings() -> None:
    """The listing is made from the modes themselves, so none is missing."""
    listing = command_line("modes").stdout
    assert [line for line in listing.splitlines() if not line.startswith(" ")] == list(MODES)
    assert "seconds: real time it hangs; the incident's 60 s\n          a number from 0 to 86400 s" in listing


CHARGE = {"path": "/charge/{id}", "method": "PUT", "message_id": {"path": "id"}, "answer": {"charged": "{message_id}"}}
NOTE = {"path": "/note", "message_id": {"header": "X-Message"}, "answer": ["noted"], "primary": False}


def test_any_endpoint_can_be_served(tmp_path: Path) -> None:
    """Guarantees a dependency that nobody here wrote: method, path, where the id is, and the answer are data."""
    endpoints = [word for each in (CHARGE, NOTE) for word in ("--endpoint", json.dumps(each))]
    with running(tmp_path, *endpoints) as fake:
        fake.put(default={"mode": "answer", "latency": {"seconds": 0}})
        fake.put(path="/note", default={"mode": "huge", "size_bytes": 5_000})
        with httpx.Client(base_url=f"http://127.0.0.1:{fake.ready['port']}", timeout=10, trust_env=False) as client:
            assert client.put("/charge/m-1", content=b"x").json() == {"charged": "m-1"}
            assert client.post("/note", headers={"X-Message": "m-2"}).json()["value"] == ["noted"]
            assert client.post(FACTS).status_code == 404
            assert client.post("/charge/m-1").status_code == 404, "another method is another endpoint"
        lines = wait_for("four lines", lambda: lines if len(lines := fake.lines()) == 4 else None, timeout_s=10)
    assert [(line["path"], line["message_id"], line["good"], line["primary"]) for line in lines] == [
        ("/charge/{id}", "m-1", True, True),
        ("/note", "m-2", True, False),
        (FACTS, None, False, False),
        ("/charge/m-1", None, False, False),
    ]


def test_a_fake_that_is_stopped_answers_nobody(tmp_path: Path) -> None:
    """Guarantees that a hung call is journalled as open at the end, and gets no byte of an answer."""
    with running(tmp_path) as fake:
        fake.put(default={"mode": "hang_forever"})
        with fake.connect() as connection:
            connection.sendall(request("c"))
            wait_for("the request to hang", lambda: fake.stats()["hung"] == 1, timeout_s=10)
            fake.child.terminate()
            assert connection.recv(65_536) == b""
        fake.child.wait(10)
        assert [(line["outcome"], line["status"]) for line in fake.lines()] == [("open", None)]


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process open the thousand sockets of the test below, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_thousand_hung_requests_of_three_megabytes_fit_into_200_mib(tmp_path: Path) -> None:
    """The worst case: all bodies arrive at once at a process that was stopped, and none is kept as they come in.

    Started under a limit of 256 files, so that a thousand sockets also show that it raises its own limit.
    """
    limited = ("sh", "-c", 'ulimit -Sn 256 && exec "$@"', "sh")
    with running(tmp_path, prefix=limited) as fake, ExitStack() as stack:
        fake.put(default={"mode": "hang_forever"})
        fake.child.send_signal(signal.SIGSTOP)
        connections = [stack.enter_context(small_connection(fake)) for _ in range(1000)]
        send_all(fake, connections, request("c", filler_bytes=3_000_000))
        wait_for("a thousand hung requests", lambda: fake.stats()["hung"] == 1000, timeout_s=20)

        peak_kib = next(
            int(line.split()[1])
            for line in Path(f"/proc/{fake.child.pid}/status").read_text(encoding="utf-8").splitlines()
            if line.startswith("VmHWM")
        )
        assert peak_kib * 1024 < 200 * MIB
        assert fake.stats()["bytes_read"] > 3_000_000_000
        assert psutil.Process(fake.child.pid).num_threads() < 4, "one loop bears them all"

        assert fake.call("POST", "/release?how=answer").json() == {"released": 1000}
        assert all(connection.recv(65_536).startswith(b"HTTP/1.1 200") for connection in connections)
    assert [line["outcome"] for line in fake.lines()] == ["answered"] * 1000
    assert sorted(line["attempt"] for line in fake.lines()) == list(range(1, 1001))


def small_connection(fake: Fake) -> socket.socket:
    """Return a connection whose send buffer is small, so that a thousand bodies do not wait in the kernel instead."""
    connection = fake.connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    return connection


def send_all(fake: Fake, connections: Sequence[socket.socket], message: bytes) -> None:
    """Send ``message`` over all connections at once; the fake is woken when their buffers are full."""
    view, sent = memoryview(message), dict.fromkeys(connections, 0)
    is_awake = False
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_WRITE)
        while selector.get_map():
            ready = selector.select(timeout=0 if not is_awake else 10)
            if not ready and not is_awake:
                fake.child.send_signal(signal.SIGCONT)
                is_awake = True
                continue
            assert ready, "the fake stopped reading"
            for key, _ in ready:
                sender = key.fileobj
                assert isinstance(sender, socket.socket)
                sent[sender] += sender.send(view[sent[sender] : sent[sender] + 65_536])
                if sent[sender] == len(message):
                    selector.unregister(sender)
                    sender.settimeout(10)
