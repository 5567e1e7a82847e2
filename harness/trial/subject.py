"""Which program is the worker, where it runs, and what it finds in its environment: from an arm's spec to a launch.

The contract is docs/reference/contracts.md. A scenario's timers are incident time; here they are divided by the scale.
Nothing is started; ``check_commands`` alone looks at the disk.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.scenario import Arm, Scenario, WorkerSpec

QUEUE = "conversation_events_processing"
PYTHON = "{python}"  # in a command: the interpreter that runs the harness
_MODULE = ("-m", "worker_under_test")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the worker finds its world."""

    rabbitmq_url: str
    memory_api_url: str
    database_url: str
    stats_file: Path
    alerts_file: Path
    flight_folder: Path


def worker_argv(spec: WorkerSpec, capture: Path | None) -> tuple[str, ...]:
    """Return the command of the worker; under memray, writing ``capture``, where one is given.

    The default capture format survives a SIGKILL, which the aggregated one does not. A command is profiled where it is
    an interpreter of Python with a module or a script; another one runs as it is, and leaves no capture.
    """
    if spec.command is not None:
        command = tuple(sys.executable if word == PYTHON else word for word in spec.command)
        return command if capture is None else under_memray(command, capture)
    options = ["--preset", str(spec.preset)]
    if spec.mechanism is not None:
        options += ["--mechanism", spec.mechanism]
    for remedy in spec.with_:
        options += ["--with", remedy]
    for remedy in spec.without:
        options += ["--without", remedy]
    profiler = () if capture is None else _memray(capture)
    return (sys.executable, *profiler, *_MODULE, *options)


def under_memray(command: tuple[str, ...], capture: Path) -> tuple[str, ...]:
    """Return ``command`` with memray between the interpreter, with its own flags, and what it runs."""
    if not Path(command[0]).name.startswith("python"):
        return command
    at = next(
        (n for n, word in enumerate(command) if n > 0 and (word == "-m" or not word.startswith("-"))), len(command)
    )
    return (*command[:at], *_memray(capture), *command[at:])


def _memray(capture: Path) -> tuple[str, ...]:
    return ("-m", "memray", "run", "--quiet", "--force", "--output", str(capture))


def worker_folder(spec: WorkerSpec, checkout: Path) -> Path:
    """Return the worker's working directory: a preset's is the checkout, a command's its own."""
    return checkout if spec.folder is None else Path(spec.folder)


def check_commands(scenario: Scenario) -> None:
    """Raise UsageError (exit 2) when an arm's command can't be started: before anything else is."""
    for name, arm in scenario.arms.items():
        if arm.worker.command is None:
            continue
        program = worker_argv(arm.worker, None)[0]
        folder = Path(arm.worker.folder or "")
        where = f"arms.{name}.worker"
        if not folder.is_dir():
            raise UsageError(f"{where}.folder: {folder} is no folder; name the one that the command runs in")
        path = {**arm.env, **arm.worker.env}.get("PATH")
        candidate = str(folder / program) if "/" in program else program
        if shutil.which(candidate, path=path) is None:
            looked = f"{candidate} is no program" if "/" in program else "PATH has no such program"
            raise UsageError(
                f"{where}.command: {program!r} can't be executed: {looked};"
                f" name one on PATH, or an executable file by its path from {folder}"
            )


def migrate_argv(spec: WorkerSpec) -> tuple[str, ...]:
    """Return the command that makes the worker's schema: each preset has its own, and one of them refuses a status."""
    return (sys.executable, *_MODULE, "migrate", "--preset", spec.preset or "fixed")


def ingress_argv(ready_file: Path) -> tuple[str, ...]:
    """Return the command of the ingress, on a free port that it says in ``ready_file``."""
    return (sys.executable, *_MODULE, "ingress", "--port", "0", "--ready-file", str(ready_file))


def ingress_env(rabbitmq_url: str, database_url: str) -> Mapping[str, str]:
    """Return the ingress' variables of the contract."""
    return {"RABBITMQ_URL": rabbitmq_url, "RABBITMQ_QUEUE": QUEUE, "DATABASE_URL": database_url}


def retry_argv(spec: WorkerSpec, now: str) -> tuple[str, ...]:
    """Return the command of a preset's retry job at the time ``now`` (ISO 8601); it has no mechanism to choose."""
    options = [word for remedy in spec.with_ for word in ("--with", remedy)]
    options += [word for remedy in spec.without for word in ("--without", remedy)]
    return (sys.executable, *_MODULE, "retry", "--preset", str(spec.preset), *options, "--now", now)


def worker_env(arm: Arm, endpoints: Endpoints, time_scale: float) -> Mapping[str, str]:
    """Return the variables of the contract, with the arm's timers in real seconds."""
    timers = {name: f"{duration_s / time_scale:.6g}" for name, duration_s in arm.timers.items()}
    return {
        "RABBITMQ_URL": endpoints.rabbitmq_url,
        "RABBITMQ_QUEUE": QUEUE,
        "MEMORY_API_URL": endpoints.memory_api_url,
        "GROQ_BASE_URL": f"{endpoints.memory_api_url}/openai/v1",
        "DATABASE_URL": endpoints.database_url,
        "WORKER_STATS_FILE": str(endpoints.stats_file),
        "ALERTS_FILE": str(endpoints.alerts_file),
        "FLIGHT_RECORDER_DIR": str(endpoints.flight_folder),
        **timers,
        **arm.env,
        **arm.worker.env,
    }
