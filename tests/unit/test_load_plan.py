"""The load plan: what is written is read back, and what makes no sense is refused by field, with exit code 2."""

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RunDirectoryError, UsageError
from harness.load.plan import PUBLISHERS_MAX, Plan, read_plan, write_plan
from harness.load.schedule import Arrival
from harness.protocols.payload import PayloadSizes

PASSWORD = "hunter2-canary"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan of two arrivals."""
    return Plan(
        amqp_url=f"amqp://guest:{PASSWORD}@127.0.0.1:5672/%2F",
        queue="conversation_events_processing",
        journal_path=tmp_path / "publishes.jsonl",
        start_mono_s=1234.5,
        stop_s=60.0,
        seed=7,
        sizes=PayloadSizes(2_000, 3_000),
        arrivals=(Arrival(0.25, "conv-00000007-000000", 3), Arrival(0.5, "conv-00000007-000001", 0)),
        publishers=4,
    )


def test_a_plan_is_read_back_as_it_was_written(plan: Plan, tmp_path: Path) -> None:
    """Nothing is lost on the way to the publishers' process."""
    write_plan(tmp_path / "plan.json", plan)

    assert read_plan(tmp_path / "plan.json") == plan
    assert plan.stop_mono_s == 1294.5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"poison": "arsenic"}, "wants the poison 'arsenic'; there are not_json, no_id"),
        ({"copies": 0}, "wants 0 copies; use 1 to 10"),
        ({"copies": 11}, "wants 11 copies; use 1 to 10"),
    ],
)
def test_a_message_that_cannot_be_made_is_refused_before_the_workload(
    plan: Plan, changes: dict[str, Any], said: str
) -> None:
    """The publishers never find out in the middle of it."""
    first, second = plan.arrivals

    with pytest.raises(UsageError, match=said):
        replace(plan, arrivals=(first, replace(second, **changes)))


def test_a_plan_is_readable_by_its_owner_alone_and_leaves_no_temporary_file(plan: Plan, tmp_path: Path) -> None:
    """It holds the broker's password."""
    write_plan(tmp_path / "plan.json", plan)

    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_plan_that_cannot_be_written_is_said(plan: Plan, tmp_path: Path) -> None:
    """The error names the file; what stood in its way stays as it was, and no temporary file is left beside it."""
    (tmp_path / "plan.json").mkdir()

    with pytest.raises(RunDirectoryError, match=r"plan\.json can't be written"):
        write_plan(tmp_path / "plan.json", plan)
    with pytest.raises(RunDirectoryError, match="No such file"):
        write_plan(tmp_path / "nowhere" / "plan.json", plan)

    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_missing_plan_is_a_usage_error(tmp_path: Path) -> None:
    """The error names the file and the variable that must name one."""
    with pytest.raises(UsageError, match="LOAD_PLAN_FILE"):
        read_plan(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda plan: plan.pop("queue"), "queue"),
        (lambda plan: plan.update(speed=9), "speed"),
        (lambda plan: plan.update(publishers="many"), "publishers"),
        (lambda plan: plan.update(publishers=0), "0 publishers"),
        (lambda plan: plan["sizes"].update(min_bytes=10), "body sizes 10"),
        (lambda plan: plan["arrivals"][1].pop("template"), r"arrivals\.1\.template"),
        (lambda plan: plan["arrivals"][1].update(template=8), r"arrivals\[1\] wants template 8"),
        (lambda plan: plan["arrivals"][1].update(message_id="conv-00000007-000000"), r"arrivals\[1\] repeats"),
        (lambda plan: plan["arrivals"][1].update(intended_s=0.125), r"arrivals\[1\] at 0\.125 s comes after"),
        (lambda plan: plan["arrivals"][0].update(intended_s=-1.0), r"arrivals\[0\] at -1\.0"),
        (lambda plan: plan.update(start_mono_s=None), "start_mono_s"),
    ],
)
def test_a_damaged_plan_is_refused_by_field_without_showing_the_password(
    plan: Plan, tmp_path: Path, spoil: Callable[[dict[str, Any]], None], named: str
) -> None:
    """The error names the file and the field, has exit code 2, and keeps the broker's password to itself."""
    path = tmp_path / "plan.json"
    write_plan(path, plan)
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))

    with pytest.raises(UsageError, match=named) as caught:
        read_plan(path)

    assert str(path) in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_plan_that_is_no_json_is_refused(tmp_path: Path) -> None:
    """Half a file, for example."""
    (tmp_path / "plan.json").write_text('{"amqp_url": "amqp://')

    with pytest.raises(UsageError, match="the file: Invalid JSON"):
        read_plan(tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"amqp_url": "http://127.0.0.1"}, "amqp://"),
        ({"queue": ""}, "queue is empty"),
        ({"publishers": PUBLISHERS_MAX + 1}, str(PUBLISHERS_MAX)),
        ({"stop_s": 0.0}, "stop_s"),
        ({"api_url": "amqp://127.0.0.1"}, "api_url begins with 'amqp://1'; use http://"),
    ],
)
def test_a_plan_is_checked_when_it_is_made(plan: Plan, change: dict[str, Any], named: str) -> None:
    """A trial learns of its mistake before it starts a process."""
    with pytest.raises(UsageError, match=named):
        replace(plan, **change)
