"""Which program is the worker, and what it finds in its environment. Pure: from an arm's spec to argv and variables.

The contract is docs/reference/contracts.md. A scenario's timers are incident time; here they are divided by the scale.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.scenario import Arm, WorkerSpec

QUEUE = "conversation_events_processing"
_MODULE = ("-m", "worker_under_test")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the worker finds its world."""

    rabbitmq_url: str
    memory_api_url: str
    database_url: str
    stats_file: Path
    alerts_file: Path


def worker_argv(spec: WorkerSpec, capture: Path | None) -> tuple[str, ...]:
    """Return the command of the worker; under memray, writing ``capture``, where one is given.

    The default capture format survives a SIGKILL, which the aggregated one does not. A command is profiled where it is
    an interpreter of Python with a module or a script; another one runs as it is, and leaves no capture.
    """
    if spec.command is not None:
        return spec.command if capture is None else under_memray(spec.command, capture)
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


def migrate_argv(spec: WorkerSpec) -> tuple[str, ...]:
    """Return the command that makes the worker's schema: each preset has its own, and one of them refuses a status."""
    return (sys.executable, *_MODULE, "migrate", "--preset", spec.preset or "fixed")


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
        **timers,
        **arm.env,
    }
