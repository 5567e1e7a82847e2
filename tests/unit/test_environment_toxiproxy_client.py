"""The traps of toxiproxy-python, each shown to be closed, against a server that sets them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.environment.ports import free_port
from harness.environment.proxy import proxy as proxy_module
from harness.environment.proxy import toxiproxy_client
from harness.environment.proxy.toxics import Toxic
from harness.environment.proxy.toxiproxy_client import ToxiproxyClient
from harness.errors import NotEnforceableError, PartFailedError

LATENCY = Toxic("slow", "latency", "downstream", 1.0, {"latency": 100})


def test_the_tools_of_the_checkout_are_looked_for_in_the_checkout() -> None:
    """Guarantees that a Toxiproxy built into ``.tools`` is found, wherever the module that looks for it moves to."""
    assert (proxy_module._CHECKOUT / "pyproject.toml").is_file()


def test_a_500_is_an_error_with_the_servers_words() -> None:
    """The library makes it ``KeyError: 'name'``."""
    refusal = pytest.raises(PartFailedError, match=r"HTTP 500 to POST.*address already in use")
    with server(create=(500, {"error": "listen tcp: address already in use"})) as client, refusal:
        client.create("mem0", "127.0.0.1:5672", "127.0.0.1:1")


def test_a_toxic_that_did_not_take_effect_is_an_error() -> None:
    """The library returns nothing, and the server drops what it does not know."""
    with server(toxics=[]) as client, pytest.raises(NotEnforceableError, match="reports None"):
        client.add_toxic("broker", LATENCY)


def test_a_toxic_in_force_with_another_value_is_an_error() -> None:
    """What is reported is compared with what was asked for, attribute by attribute."""
    weak = {"name": "slow", "type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes": {"latency": 0}}
    with server(toxics=[weak]) as client, pytest.raises(NotEnforceableError, match="'latency': 0"):
        client.add_toxic("broker", LATENCY)


def test_a_link_that_does_not_change_its_state_is_an_error() -> None:
    """A link is down when the server says so, not when it has been asked."""
    with server() as client, pytest.raises(NotEnforceableError, match="enabled=True, not False"):
        client.set_enabled("broker", enabled=False)


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would wait for ever."""
    monkeypatch.setattr(toxiproxy_client, "_CALL_TIMEOUT_S", 0.1)
    answer = threading.Event()
    with server(hang=answer) as client:
        with pytest.raises(PartFailedError, match=r"did not answer.*timed out"):
            client.is_enabled("broker")
        answer.set()


def test_a_server_that_is_gone_is_said() -> None:
    """Nobody listens: a sentence with the address."""
    port = free_port()
    with pytest.raises(PartFailedError, match=f"no proxy listens on 127.0.0.1:{port}"):
        ToxiproxyClient("127.0.0.1", port).version()


def test_a_link_that_is_not_there_is_said() -> None:
    """The library returns None, and fails later."""
    with server() as client, pytest.raises(PartFailedError, match="no link 'nowhere'"):
        client.toxics("nowhere")


def test_the_environments_http_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control calls stay on this machine, whatever HTTP_PROXY says."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with server() as client:
        assert client.is_enabled("broker")


def test_two_servers_in_one_process_are_not_mixed_up() -> None:
    """The library keeps one address for all; the clients take turns."""
    with server(version="1.0") as one, server(version="2.0") as two:
        assert [one.version(), two.version(), one.version()] == ["1.0", "2.0", "1.0"]


@contextmanager
def server(
    *,
    version: str = "0.0",
    toxics: list[dict[str, Any]] | None = None,
    create: tuple[int, dict[str, Any]] | None = None,
    hang: threading.Event | None = None,
) -> Iterator[ToxiproxyClient]:
    """A control API with one link, ``broker``, that answers as it is told; yields a client of it."""
    link = {"name": "broker", "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "enabled": True}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hang is not None:
                hang.wait(10.0)
            answers = {"/version": {"version": version}, "/proxies/broker/toxics": toxics or []}
            self.answer(200, answers.get(self.path, {"broker": link}))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.answer(*(create if create and self.path == "/proxies" else (200, link)))

        def answer(self, status: int, body: object) -> None:
            payload = json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)
            except BrokenPipeError:
                pass  # the client gave up, as it was meant to

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield ToxiproxyClient("127.0.0.1", listening.server_address[1])
        finally:
            listening.shutdown()
            thread.join()
