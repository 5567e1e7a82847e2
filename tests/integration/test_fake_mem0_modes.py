"""Every mode of the fake through a real socket: what a client sees of it, and what the journal says afterwards."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.waiting import wait_for

pytestmark = pytest.mark.integration

FACTS, CHAT = "/extract_facts", "/openai/v1/chat/completions"
AT_ONCE: Mapping[str, Any] = {"mode": "answer", "latency": {"seconds": 0}}
NUMBERS = count(1)


@dataclass(frozen=True)
class Fake:
    """A running fake: its data plane by raw sockets, its admin API by httpx, its journal by conversation."""

    port: int
    admin: httpx.Client
    journal: Path

    def default(self, mode: str, path: str = FACTS, **settings: Any) -> None:
        """Have every request of ``path`` meet ``mode``."""
        document = {"path": path, "default": {"mode": mode, **settings}}
        self.admin.put("/modes", json=document).raise_for_status()

    def stats(self) -> Mapping[str, Any]:
        """Return the counts."""
        counts: Mapping[str, Any] = self.admin.get("/stats").json()
        return counts

    def connect(self) -> socket.socket:
        """Return a connection whose every wait ends after 10 s."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def line(self, conversation_id: str) -> Mapping[str, Any]:
        """Return the journal's line of a conversation with one request, waiting for it to be written."""
        return wait_for(f"the journal line of {conversation_id}", lambda: self._line(conversation_id), timeout_s=10)

    def _line(self, conversation_id: str) -> Mapping[str, Any] | None:
        lines = [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]
        return next((line for line in lines if line["message_id"] == conversation_id), None)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    """Run one fake for all tests of this file."""
    folder = tmp_path_factory.mktemp("fake_mem0")
    files = {"--journal": folder / "calls.jsonl", "--ready-file": folder / "ready.json"}
    options = [str(part) for pair in files.items() for part in pair]
    command = [
        sys.executable,
        "-m",
        "fake_mem0",
        "serve",
        "--port",
        "0",
        "--admin-port",
        "0",
        "--seed",
        "1142",
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline(), "the fake ended before it was ready"
            ready = json.loads(files["--ready-file"].read_text(encoding="utf-8"))
            url = f"http://127.0.0.1:{ready['admin_port']}"
            with httpx.Client(base_url=url, timeout=10, trust_env=False) as admin:
                yield Fake(ready["port"], admin, files["--journal"])
        finally:
            child.terminate()


@pytest.fixture
def fake(process: Fake) -> Iterator[Fake]:
    """Give a fake on a good day, and leave it so: nothing hangs, every path answers at once."""
    for path in (FACTS, CHAT):
        process.default(path=path, **AT_ONCE)
    yield process
    for path in (FACTS, CHAT):
        process.default(path=path, **AT_ONCE)
    process.admin.post("/release").raise_for_status()


@pytest.fixture
def conversation() -> str:
    """Return the id of a conversation that no other test has."""
    return f"conversation-{next(NUMBERS)}"


def request(conversation_id: str, path: str = FACTS, filler_bytes: int = 0) -> bytes:
    """Return a whole request of that conversation."""
    body = json.dumps({"conversation_id": conversation_id, "formatted_conversation": "x" * filler_bytes}).encode()
    return f"POST {path} HTTP/1.1\r\nHost: mem0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def read_to_end(connection: socket.socket) -> tuple[bytes, bool]:
    """Return all that comes until the connection ends, and whether it ended by a reset."""
    came = b""
    try:
        while piece := connection.recv(65_536):
            came += piece
    except ConnectionResetError:
        return came, True
    return came, False


def exchange(fake: Fake, conversation_id: str) -> tuple[bytes, bool]:
    """Send one request and read until the connection ends."""
    with fake.connect() as connection:
        connection.sendall(request(conversation_id))
        return read_to_end(connection)


def post(fake: Fake, conversation_id: str, path: str = FACTS, timeout_s: float = 10) -> httpx.Response:
    """Call the fake as the worker does."""
    body = {"conversation_id": conversation_id, "user_id": "u", "formatted_conversation": "…", "payload": {}}
    with httpx.Client(timeout=timeout_s, trust_env=False) as client:
        return client.post(f"http://127.0.0.1:{fake.port}{path}", json=body)


def test_answer_is_valid_and_takes_the_latency_that_was_set(fake: Fake, conversation: str) -> None:
    """The contract's shape after the set latency; the journal has every key, and the bytes of the body."""
    fake.default("answer", latency={"seconds": 0.2})
    response = post(fake, conversation)
    assert (response.status_code, response.json()["conversation_id"]) == (200, conversation)
    assert all({"fact", "score"} == set(fact) for fact in response.json()["facts"])
    line = fake.line(conversation)
    assert 0.2 <= line["duration_s"] < 5
    assert line["bytes_in"] == int(response.request.headers["Content-Length"])
    assert (line["path"], line["attempt"], line["mode"]) == (FACTS, 1, "answer")
    assert (line["status"], line["outcome"]) == (200, "answered")


def test_a_path_has_rules_of_its_own(fake: Fake, conversation: str) -> None:
    """The language model answers OpenAI-style while pika-mem0 fails, and fails while pika-mem0 answers."""
    fake.default("status", status=500)
    assert post(fake, conversation, CHAT).json()["choices"][0]["message"]["role"] == "assistant"
    fake.default(**AT_ONCE)
    fake.default("status", path=CHAT, status=503)
    assert post(fake, conversation, CHAT).status_code == 503
    assert post(fake, conversation).status_code == 200


def test_hang_then_500_is_the_incidents_failure(fake: Fake, conversation: str) -> None:
    """Silence for the set time, then 500 with an empty body."""
    fake.default("hang_then_500", seconds=0.3)
    response = post(fake, conversation)
    assert (response.status_code, response.content) == (500, b"")
    line = fake.line(conversation)
    assert 0.3 <= line["duration_s"] < 5
    assert (line["mode"], line["status"], line["outcome"]) == ("hang_then_500", 500, "answered")


def test_what_hangs_outlives_new_rules_and_ends_at_release(fake: Fake, conversation: str) -> None:
    """PUT /modes reaches only later requests; a hung one stays until POST /release, which may answer it."""
    fake.default("hang_forever")
    with fake.connect() as connection:
        connection.sendall(request(conversation))
        wait_for("the request to hang", lambda: fake.stats()["hung"] == 1, timeout_s=10)
        fake.default(**AT_ONCE)
        assert post(fake, f"{conversation}-later").status_code == 200
        assert fake.stats()["hung"] == 1
        assert fake.admin.post("/release?how=sideways").status_code == 400
        assert fake.admin.post("/release?how=answer").json() == {"released": 1}
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    line = fake.line(conversation)
    assert (line["mode"], line["status"], line["outcome"]) == ("hang_forever", 200, "answered")
    assert line["good"]
    assert (fake.stats()["hung"], fake.stats()["open"]) == (0, 0)


@pytest.mark.parametrize(("wait_s", "header"), [(None, None), (1.2, "2"), (30, "30")])
def test_status_is_answered_at_once(fake: Fake, conversation: str, wait_s: float | None, header: str | None) -> None:
    """The set status, and Retry-After in whole seconds where one is set."""
    fake.default("status", status=429, retry_after_s=wait_s)
    response = post(fake, conversation)
    assert (response.status_code, response.headers.get("Retry-After")) == (429, header)
    assert fake.line(conversation)["duration_s"] < 1


@pytest.mark.parametrize("mode", ["drip_headers", "drip_body"])
def test_a_drip_outlasts_a_timeout_per_read(fake: Fake, conversation: str, mode: str) -> None:
    """Each drop comes long before httpx's time-out of a read; the whole takes longer than it, and is valid."""
    fake.default(mode, bytes_per_interval=2, interval_s=0.02)
    response = post(fake, conversation, timeout_s=0.8)
    assert response.json()["conversation_id"] == conversation
    assert fake.line(conversation)["duration_s"] > 0.8
    assert fake.line(conversation)["outcome"] == "answered"


@pytest.mark.parametrize(("mode", "begins"), [("drip_headers", b"HTTP"), ("drip_body", b"HTTP/1.1 200 OK\r\n")])
def test_a_drip_hangs_and_is_cut_at_release(fake: Fake, conversation: str, mode: str, begins: bytes) -> None:
    """An answer that has begun can't become another: its connection is reset."""
    fake.default(mode, bytes_per_interval=4, interval_s=60)
    with fake.connect() as connection:
        connection.sendall(request(conversation))
        came = connection.recv(65_536)
        assert came.startswith(begins)
        assert fake.admin.post("/release?how=answer").json() == {"released": 1}
        assert read_to_end(connection) == (b"", True)
    line = fake.line(conversation)
    assert (line["mode"], line["status"], line["outcome"]) == (mode, None, "released")


def test_reset_before_cuts_without_a_byte(fake: Fake, conversation: str) -> None:
    """An RST, not a FIN: the client's read fails."""
    fake.default("reset_before")
    assert exchange(fake, conversation) == (b"", True)
    line = fake.line(conversation)
    assert (line["mode"], line["status"], line["outcome"]) == ("reset_before", None, "reset")


def test_reset_mid_body_cuts_inside_the_announced_answer(fake: Fake, conversation: str) -> None:
    """The head announces more than the 40 bytes that come before the RST."""
    fake.default("reset_mid_body", after_bytes=40)
    came, is_reset = exchange(fake, conversation)
    head, body = came.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert is_reset
    assert len(body) == 40
    assert fake.line(conversation)["outcome"] == "reset"


@pytest.mark.parametrize("mode", ["truncated_json", "invalid_json"])
def test_broken_json_comes_in_a_whole_answer(fake: Fake, conversation: str, mode: str) -> None:
    """HTTP is content, JSON is not."""
    fake.default(mode)
    response = post(fake, conversation)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert fake.line(conversation)["outcome"] == "answered"


@pytest.mark.parametrize("shape", ["fields", "list", "null", "string"])
def test_wrong_type_is_valid_json_that_breaks_the_contract(fake: Fake, conversation: str, shape: str) -> None:
    """JSON is content, the API's promise is not."""
    fake.default("wrong_type", shape=shape)
    value = post(fake, conversation).json()
    assert not (isinstance(value, dict) and isinstance(value["facts"], list))


@pytest.mark.parametrize("cap", [{"cap_bytes": 50_000}, {"cap_s": 0.3}])
def test_endless_goes_on_until_its_cap_and_is_cut(fake: Fake, conversation: str, cap: Mapping[str, Any]) -> None:
    """The body has no announced length; at the cap of bytes or of time the connection is reset."""
    fake.default("endless", bytes_per_interval=1000, interval_s=0.001, **cap)
    came, is_reset = exchange(fake, conversation)
    assert is_reset
    assert b"Transfer-Encoding: chunked" in came
    assert not came.endswith(b"0\r\n\r\n")
    assert came.count(b"x") == 50_000 if "cap_bytes" in cap else came.count(b"x") > 1000
    assert fake.line(conversation)["outcome"] == "capped"


def test_endless_ends_over_a_client_that_stops_reading(fake: Fake, conversation: str) -> None:
    """The cap of time holds while the client's window is full: no handler is left behind."""
    fake.default("endless", bytes_per_interval=2**20, interval_s=0.001, cap_s=0.5)
    with fake.connect() as connection:
        connection.sendall(request(conversation))
        assert fake.line(conversation)["outcome"] == "capped"
    assert fake.stats()["open"] == 0


def test_huge_is_valid_and_as_large_as_announced(fake: Fake, conversation: str) -> None:
    """Two million bytes for the test's sake; the default is a hundred million."""
    fake.default("huge", size_bytes=2_000_000)
    response = post(fake, conversation)
    assert len(response.content) == int(response.headers["Content-Length"]) == 2_000_000
    assert response.json()["conversation_id"] == conversation


def test_a_client_that_leaves_while_it_hangs_is_noticed(fake: Fake, conversation: str) -> None:
    """The journal says client_gone at once, not when the hang would have ended."""
    fake.default("hang_then_500", seconds=3600)
    with pytest.raises(httpx.ReadTimeout):
        post(fake, conversation, timeout_s=0.3)
    line = fake.line(conversation)
    assert 0.2 < line["duration_s"] < 5
    assert (line["mode"], line["status"], line["outcome"]) == ("hang_then_500", None, "client_gone")
    assert fake.stats()["open"] == 0


def test_a_client_that_leaves_half_way_through_its_body_is_noticed(fake: Fake, conversation: str) -> None:
    """No rule was chosen yet, so the mode is ``unread``; what came of the body is counted, and no id was read."""
    before = fake.stats()
    with fake.connect() as connection:
        connection.sendall(request(conversation, filler_bytes=1_000_000)[:500_000])
        wait_for("the bytes", lambda: fake.stats()["bytes_read"] > before["bytes_read"] + 400_000, timeout_s=10)
    wait_for("the request to end", lambda: fake.stats()["open"] == 0, timeout_s=10)
    line = json.loads(fake.journal.read_text(encoding="utf-8").splitlines()[-1])
    assert (line["mode"], line["attempt"], line["outcome"]) == ("unread", 0, "client_gone")
    assert 400_000 < line["bytes_in"] < 500_000
    assert time.monotonic() - line["arrived_mono_s"] < 30


def test_a_kept_connection_serves_one_request_after_another(fake: Fake, conversation: str) -> None:
    """Attempts of a conversation count up, whatever connection they come over; a body may come in chunks."""
    with httpx.Client(base_url=f"http://127.0.0.1:{fake.port}", timeout=10, trust_env=False) as client:
        for number in range(3):
            body = request(f"{conversation}-{number // 2}").partition(b"\r\n\r\n")[2]
            client.post(FACTS, content=(body[at : at + 5] for at in range(0, len(body), 5))).raise_for_status()
        assert client.get("/healthz").status_code == 200
        assert client.post("/nowhere").status_code == 404
    wait_for("the last line", lambda: "/nowhere" in fake.journal.read_text(encoding="utf-8"), timeout_s=10)
    lines = [json.loads(line) for line in fake.journal.read_text(encoding="utf-8").splitlines()[-4:]]
    assert [(line["path"], line["attempt"], line["good"]) for line in lines[:3]] == [
        (FACTS, number, True) for number in (1, 2, 1)
    ]
    assert (lines[3]["path"], lines[3]["mode"], lines[3]["status"], lines[3]["primary"]) == (
        "/nowhere",
        "no_endpoint",
        404,
        False,
    )
