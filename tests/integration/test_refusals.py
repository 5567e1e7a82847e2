"""What the command line refuses or only says: its exit code, the culprit and the remedy, and nothing is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness_command import QUICK, harness

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("run", "incident_1142", "--broker-url", "amqp://guest:sekret@192.0.2.7:5672/%2F"), 5, "192.0.2.7"),
        (("run", "incident_1142", "--broker-url", "http://127.0.0.1/"), 2, "amqp://"),
        (("run", "incident_1143"), 2, "did you mean 'incident_1142'"),
        (("run", "incident_1142", "--mechanism", "M9"), 2, "M1+M2"),
        (("run", "incident_1142", "--arm", "fxied"), 2, "fixed"),
        (("run", "incident_1142", "--limit", "cgroup-v3"), 2, "cgroup-v2"),
        (("check", "no-such-run"), 4, "is not a run directory"),
        (("frobnicate",), 2, "frobnicate"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """The exit code is the documented one, the message names the value and the remedy, and no password is shown."""
    extra = ("--runs-dir", str(tmp_path)) if arguments[0] == "run" else ()
    ended = harness(*arguments, *extra, runs_dir=tmp_path)
    assert ended.status == status, ended.out + ended.err
    assert said in ended.out + ended.err
    assert "sekret" not in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err


def test_a_misspelt_field_exits_2_and_is_named(tmp_path: Path) -> None:
    """The message names the file, the field and the field that was probably meant."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(QUICK.read_text().replace("restarts: {backoff: 10s, limit: 1}", "restarts: {backof: 10s, limit: 1}"))
    ended = harness("validate", str(bad), runs_dir=tmp_path)
    assert ended.status == 2
    assert all(word in ended.err for word in ("bad.yaml", "restarts.backof", "'backoff'"))


def test_a_dry_run_says_what_would_be_done_and_starts_nothing(tmp_path: Path) -> None:
    """Phases, messages and workers are printed; no run directory is made."""
    ended = harness("run", "incident_1142", "--dry-run", "--runs-dir", str(tmp_path / "runs"), runs_dir=tmp_path)
    assert ended.status == 0
    assert "burst" in ended.out
    assert "worker_under_test" in ended.out
    assert not (tmp_path / "runs").exists()
