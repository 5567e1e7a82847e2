"""A canary for a password in every URL of a run: it is used everywhere, and found in nothing that the run leaves."""

from __future__ import annotations

import base64
import json
import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text

from harness.environment.broker.broker import broker
from harness.environment.database.postgres import postgres
from harness.environment.run.run_scope import RunScope
from harness.scenario import load_scenario
from tests.harness_command import harness
from tests.kill_moments import ARM, SCENARIO
from tests.socket_server import served_by

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from harness.environment.broker.broker import Broker
    from harness.environment.database.postgres import PostgresServer

pytestmark = pytest.mark.integration

USER = "canary"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Broker, PostgresServer]]:
    """A broker and a database server that are not the run's own."""
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        scope = stack.enter_context(RunScope("canary-servers", folder / "state"))
        yield (
            stack.enter_context(broker(scope, folder / "logs")),
            stack.enter_context(postgres(scope, folder / "logs")),
        )


@pytest.fixture(scope="module")
def canary(servers: tuple[Broker, PostgresServer]) -> str:
    """A password that stands nowhere else, given to a user of both servers."""
    password = f"pw{secrets.token_hex(12)}"
    node, server = servers
    users = f"http://{node.host}:{node.management_port}/api/users/{USER}"
    body = {"password": password, "tags": "administrator"}
    httpx.put(users, json=body, auth=(node.user, node.password), trust_env=False).raise_for_status()
    engine = create_engine(server.url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{password}'"))
    engine.dispose()
    return password


def broker_options(node: Broker, password: str) -> tuple[str, ...]:
    """Name the broker, with the password in its URL."""
    url = f"amqp://{USER}:{password}@{node.host}:{node.amqp_port}/"
    return ("--broker-url", url, "--management-port", str(node.management_port))


def database_url(server: PostgresServer, password: str) -> str:
    """Name the database server, with the password in its URL."""
    url = make_url(server.url).set(drivername="postgresql", username=USER, password=password)
    return url.render_as_string(hide_password=False)


def scenario_with(folder: Path, env: dict[str, str]) -> Path:
    """Write the scenario with ``env`` for its worker; every call hangs, so that a late workload has its alert too."""
    document = load_scenario(SCENARIO).model_dump(mode="json", by_alias=True)
    document["timeline"][1]["dependency"] = document["timeline"][0]["dependency"]
    document["arms"][ARM]["env"] = env
    path = folder / "scenario.json"
    path.write_text(json.dumps(document))
    return path


def telling(folder: Path, password: str) -> list[str]:
    """Return the files below ``folder`` that hold the password, as it is or as HTTP's basic authentication has it."""
    forms = (password.encode(), base64.b64encode(f"{USER}:{password}".encode()))
    found = []
    for path in sorted(folder.rglob("*")):
        held = path.read_bytes() if path.is_file() else b""
        found += [str(path.relative_to(folder))] if any(form in held for form in forms) else []
    return found


def test_no_artefact_of_a_run_holds_a_password_of_its_urls(
    servers: tuple[Broker, PostgresServer], canary: str, tmp_path: Path
) -> None:
    """Broker, database and alert webhook are reached with it; no file, log, report, console line or JSON shows it."""
    node, server = servers
    runs = tmp_path / "runs"
    posts: list[bytes] = []

    def refuse(connection: socket.socket, _over: threading.Event) -> None:
        posts.append(connection.recv(1 << 16))
        connection.sendall(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with served_by(refuse) as address:
        hook = address.replace("http://", f"http://{USER}:{canary}@")
        given = scenario_with(tmp_path, {"ALERT_WEBHOOK_URL": hook, "GROQ_API_KEY": canary, "UPSTREAM": hook})
        said = [
            harness(
                *("run", str(given), "--runs-dir", str(runs), "--json"),
                *broker_options(node, canary),
                *("--database", database_url(server, canary)),
                runs_dir=runs,
            )
        ]
    run = (runs / "latest").resolve()
    said += [harness("postmortem", str(run), runs_dir=runs)]

    assert said[0].status in (0, 3), said[0].out + said[0].err  # 3: on a busy machine a workload may be late
    assert any(f"Basic {base64.b64encode(f'{USER}:{canary}'.encode()).decode()}".encode() in post for post in posts)
    statuses = {row["status"] for row in json.loads((run / "trials" / ARM / "outcomes.json").read_text())}
    assert statuses == {"FAILED"}
    assert telling(runs, canary) == []
    assert [ended for ended in said if canary in ended.out + ended.err] == []
    stored = json.loads((run / "scenario.json").read_text())["arms"][ARM]["env"]
    assert stored["UPSTREAM"] == address.replace("http://", f"http://{USER}:***@")
    assert (stored["ALERT_WEBHOOK_URL"], stored["GROQ_API_KEY"]) == ("***", "***")


def test_no_refusal_shows_the_password_that_was_refused(
    servers: tuple[Broker, PostgresServer], canary: str, tmp_path: Path
) -> None:
    """A wrong password for each server, URLs that are none of theirs: said without it, and kept nowhere."""
    node, server = servers
    wrong = f"no{canary}"
    attempts = [
        broker_options(node, wrong),
        ("--broker-url", f"http://{USER}:{wrong}@127.0.0.1/"),
        (*broker_options(node, canary), "--database", database_url(server, wrong)),
        ("--database", f"mysql://{USER}:{wrong}@127.0.0.1/db"),
    ]
    said = [
        harness("run", str(SCENARIO), "--runs-dir", str(tmp_path), *options, runs_dir=tmp_path) for options in attempts
    ]
    assert [ended.status for ended in said] == [4, 2, 4, 2], [ended.err for ended in said]
    assert [ended for ended in said if canary in ended.out + ended.err] == []
    assert telling(tmp_path, canary) == []


@pytest.mark.parametrize("form", ["as it is", "as basic authentication"])
def test_the_search_finds_what_is_planted(form: str, canary: str, tmp_path: Path) -> None:
    """One line of one log among other files is enough."""
    log = tmp_path / "trials" / ARM / "logs" / "worker-0.log"
    log.parent.mkdir(parents=True)
    (tmp_path / "report.html").write_text("<p>nothing</p>")
    basic = base64.b64encode(f"{USER}:{canary}".encode()).decode()
    log.write_text(f"connecting with {canary if form == 'as it is' else basic}\n")
    assert telling(tmp_path, canary) == [f"trials/{ARM}/logs/worker-0.log"]
