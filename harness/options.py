"""The options of a run, as one frozen value: filled once from the command line, and read by whoever needs one of them.

``harness.commands.steps.options`` makes it of what was typed; the campaign and the trial get it as it is. The defaults
are those of the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.scenario.arms import Role

RUNS_DIR = Path("runs")
MANAGEMENT_PORT = 15672


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What ``harness run`` and its kin may be given."""

    scenario: str = ""  # its name or its file
    arm: tuple[str, ...] = ()  # the arms that play; none is all
    roles: tuple[Role, ...] = ()  # where no arm is named: those that play; none is all
    mechanism: str | None = None
    seed: int | None = None
    time_scale: float | None = None
    env: tuple[str, ...] = ()  # NAME=VALUE each
    small: bool = False
    profile: bool = False
    limit: str = "auto"
    broker_url: str | None = None
    broker_image: str | None = None  # a container instead of a private node
    broker_timeout_s: float | None = None  # for the run's own broker to come up; its own limit by default
    proxy_image: str | None = None  # a container instead of Toxiproxy's binary
    management_port: int = MANAGEMENT_PORT
    database: str = "sqlite"  # or a private PostgreSQL, or the URL of a server
    allow_target: bool = False
    runs_dir: Path = RUNS_DIR
    as_json: bool = False
    dry_run: bool = False
