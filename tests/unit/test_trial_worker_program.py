"""Which program an arm's worker is: a preset of ours, or any command, with the environment of the contract."""

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ScenarioError, UsageError
from harness.protocols.worker import Endpoints
from harness.scenario import Scenario, load_scenario
from harness.trial.worker_program import (
    check_commands,
    name_captures,
    under_memray,
    worker_argv,
    worker_env,
    worker_folder,
)
from tests.scenario_documents import document, scenario_of, written

CAPTURE = Path("incarnation-0.bin")
MEMRAY = ("-m", "memray", "run", "--quiet", "--force", "--follow-fork", "--output", "incarnation-0.bin")
ENDPOINTS = Endpoints(
    "amqp://here", "queue", "http://there", "sqlite:///rows.db", Path("stats"), Path("alerts"), Path("flight")
)


def with_worker(base: Path, /, **worker: Any) -> Scenario:
    """Return the drill, read from ``base``, with this worker in its arm ``fixed``."""
    data = document()
    data["arms"]["fixed"]["worker"] = worker
    return load_scenario(written(base, data))


def test_a_command_runs_as_it_is_written_in_the_folder_of_its_scenario(tmp_path: Path) -> None:
    """Guarantees that a scenario and the program beside it can lie anywhere."""
    spec = with_worker(tmp_path, command=["./worker", "--fast", "{python}"]).arms["fixed"].worker

    assert worker_argv(spec, "pika_mem0") == ("./worker", "--fast", sys.executable)
    assert worker_folder(spec, Path("checkout")) == tmp_path


def test_a_folder_is_taken_from_the_scenario_file(tmp_path: Path) -> None:
    """Guarantees that a relative folder does not depend on where the harness was started."""
    scenario = with_worker(tmp_path, command=["./worker"], folder="app")
    assert worker_folder(scenario.arms["fixed"].worker, Path("checkout")) == tmp_path / "app"


def test_a_preset_runs_in_the_checkout(tmp_path: Path) -> None:
    """Guarantees that our own worker is found wherever its scenario lies."""
    assert worker_folder(scenario_of(tmp_path).arms["fixed"].worker, Path("checkout")) == Path("checkout")


def test_the_workers_own_variables_join_those_of_the_contract(tmp_path: Path) -> None:
    """Guarantees that a command finds the world where the contract says, and its own settings beside it."""
    arm = with_worker(tmp_path, command=["worker"], env={"LEVEL": "debug"}).arms["fixed"]
    env = worker_env(arm, "pika_mem0", ENDPOINTS, time_scale=10)

    assert (env["RABBITMQ_URL"], env["MEMORY_API_URL"], env["LEVEL"]) == ("amqp://here", "http://there", "debug")


@pytest.mark.parametrize(
    ("worker", "said"),
    [
        ({"command": ["worker"], "env": {"RABBITMQ_URL": "amqp://elsewhere"}}, "RABBITMQ_URL is set by the harness"),
        ({"preset": "fixed", "folder": "app"}, "folder is where a command runs"),
        ({"command": [""]}, "command begins with an empty word"),
        ({"command": []}, "arms.fixed.worker.command"),
    ],
    ids=["a variable of the harness", "a folder of a preset", "no name", "no word"],
)
def test_a_worker_that_makes_no_sense_is_refused(tmp_path: Path, worker: dict[str, Any], said: str) -> None:
    """Guarantees that the field and the contradiction are named."""
    with pytest.raises(ScenarioError, match=said):
        with_worker(tmp_path, **worker)


def test_a_variable_stands_in_one_place(tmp_path: Path) -> None:
    """Guarantees that nobody has to know which of two values wins."""
    data = document()
    data["arms"]["incident"]["worker"]["env"] = {"LLM_ANALYSIS_ENABLED": "false"}
    with pytest.raises(ScenarioError, match=r"LLM_ANALYSIS_ENABLED stands in worker\.env and again"):
        load_scenario(written(tmp_path, data))


@pytest.mark.parametrize(
    ("worker", "said"),
    [
        ({"command": ["no-such-program-here"]}, r"arms\.fixed\.worker\.command: 'no-such-program-here' can't be exec"),
        ({"command": ["./drill.yaml"]}, r"arms\.fixed\.worker\.command: '\./drill\.yaml' can't be executed"),
        ({"command": ["sh"], "env": {"PATH": "/nowhere"}}, r"arms\.fixed\.worker\.command: 'sh' can't be executed"),
        ({"command": ["sh"], "folder": "app"}, r"arms\.fixed\.worker\.folder: .*app is no folder"),
    ],
    ids=["not on PATH", "not executable", "not on its own PATH", "no folder"],
)
def test_a_command_that_cannot_be_started_is_refused_before_anything_is(
    tmp_path: Path, worker: dict[str, Any], said: str
) -> None:
    """Guarantees exit 2, naming the arm and the command."""
    with pytest.raises(UsageError, match=said):
        check_commands(with_worker(tmp_path, **worker))


def test_a_command_that_can_be_started_is_accepted(tmp_path: Path) -> None:
    """Guarantees that a program on PATH, one beside the scenario and the harness's own Python all pass."""
    program = tmp_path / "worker"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for command in (["sh"], ["./worker"], ["{python}", "worker.py"], [str(program)]):
        check_commands(with_worker(tmp_path, command=command))
    check_commands(scenario_of(tmp_path))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("python3", "-P", "-m", "worker", "--x"), ("python3", "-P", *MEMRAY, "-m", "worker", "--x")),
        (("/venv/bin/python", "worker.py", "-m"), ("/venv/bin/python", *MEMRAY, "worker.py", "-m")),
        (("python3",), ("python3",)),
        (("./worker", "--port", "1"), ("./worker", "--port", "1")),
        (
            ("python3", "-X", "faulthandler", "-W", "ignore", "w.py", "-X"),
            ("python3", "-X", "faulthandler", "-W", "ignore", *MEMRAY, "w.py", "-X"),
        ),
        (("python3.11", "-Xdev", "-uI", "w.py"), ("python3.11", "-Xdev", "-uI", *MEMRAY, "w.py")),
        (("python3", "-um", "worker", "x"), ("python3", "-u", *MEMRAY, "-m", "worker", "x")),
        (("python3", "-mworker"), ("python3", *MEMRAY, "-m", "worker")),
        (
            ("python3", "--check-hash-based-pycs", "never", "w.py"),
            ("python3", "--check-hash-based-pycs", "never", *MEMRAY, "w.py"),
        ),
        (("python3", "-c", "import w", "w.py"), ("python3", "-c", "import w", "w.py")),
        (("python3", "-uc", "import w"), ("python3", "-uc", "import w")),
        (("python3", "-"), ("python3", "-")),
        (("pythonic", "w.py"), ("pythonic", "w.py")),
    ],
    ids=[
        *("module", "script", "nothing to run", "no interpreter", "options with values", "values joined"),
        *("module after flags", "module joined", "long option", "code", "code after flags", "input", "another name"),
    ],
)
def test_a_command_is_profiled_where_it_is_an_interpreter(command: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Guarantees memray on the right side of the interpreter's options, and that the rest runs as it is."""
    assert under_memray(command, CAPTURE) == expected


def test_captures_of_forked_children_get_names_that_are_looked_for(tmp_path: Path) -> None:
    """Guarantees that memray's name for a child's capture ends as a .bin, with the child's pid in it."""
    for name in ("incarnation-0.bin", "incarnation-0.bin.71", "incarnation-1.bin.80"):
        (tmp_path / name).touch()

    name_captures(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "incarnation-0-process-71.bin",
        "incarnation-0.bin",
        "incarnation-1-process-80.bin",
    ]
