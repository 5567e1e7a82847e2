"""A whole run whose worker records on a PostgreSQL server given by URL, and the servers that no run goes to."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from harness.environment.database.postgres import postgres
from harness.environment.run.run_scope import RunScope
from harness.machine import checkout
from harness.redaction import masked
from tests.harness_command import harness

pytestmark = [pytest.mark.integration, pytest.mark.incident]

SCENARIO = checkout() / "tests" / "scenarios" / "quick_database.yaml"


def test_a_trial_records_on_a_server_of_ones_own(tmp_path: Path) -> None:
    """Guarantees rows for the checkers, no database left on the server, and its password in no artefact."""
    with RunScope("server-given-by-url", tmp_path / "state") as scope, postgres(scope, tmp_path / "logs") as server:
        password = str(make_url(server.url).password)
        done = harness(
            "run",
            str(SCENARIO),
            "--database",
            server.url,
            "--runs-dir",
            str(tmp_path / "runs"),
            runs_dir=tmp_path / "runs",
        )
        engine = create_engine(server.url)
        with engine.connect() as connection:
            left = connection.scalars(text("SELECT datname FROM pg_database WHERE datname LIKE 'harness%'")).all()
        engine.dispose()
    assert done.status == 0, done.out + done.err
    run = done.run
    statuses = {row["status"] for row in json.loads((run / "trials" / "fixed" / "outcomes.json").read_text())}
    assert statuses == {"PROCESSED", "FAILED"}
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["versions"]["database"].startswith("PostgreSQL ")
    assert left == []
    kept = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert kept
    telling = [path for path in kept if password.encode() in path.read_bytes()]
    assert telling == []
    assert password not in done.out + done.err
    assert "***" in " ".join(manifest["command"])


def test_a_server_on_another_machine_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    """Guarantees exit 5, the remedy, and that the password stays out of both streams."""
    url = "postgresql://u:s3cret@192.0.2.1/db"
    refused = harness("run", str(SCENARIO), "--dry-run", "--database", url, runs_dir=tmp_path)
    assert refused.status == 5
    assert "--allow-target" in refused.err
    assert "s3cret" not in refused.out + refused.err


def test_a_password_with_an_at_sign_is_masked_whole() -> None:
    """Guarantees that the command kept in the manifest tells no part of it."""
    assert masked("--database=postgresql://u:p@ss:w@127.0.0.1/db") == "--database=postgresql://u:***@127.0.0.1/db"
