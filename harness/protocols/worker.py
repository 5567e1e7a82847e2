"""The worker of a trial as a program: its arguments, its environment, its folder.

A scenario's command is a program as it stands; a preset of an incident becomes one by the incident's ``WORKER``. The
environment that every worker gets is the incident's too: it names the variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the worker finds the parts of its trial, and where it may write what only it can know."""

    broker_url: str
    queue: str
    dependency_url: str
    database_url: str
    stats_file: Path
    alerts_file: Path
    flight_folder: Path


class Preset(Protocol):
    """A worker that comes with an incident, as a scenario's arm names it."""

    @property
    def preset(self) -> str | None:
        """The preset's name; None for a command of the user's own."""
        ...

    @property
    def mechanism(self) -> str | None:
        """Which of the incident's mechanisms is at work; None for the preset's own."""
        ...

    @property
    def with_(self) -> tuple[str, ...]:
        """Remedies that are added to the preset."""
        ...

    @property
    def without(self) -> tuple[str, ...]:
        """Remedies that are taken out of it."""
        ...


class Worker(Protocol):
    """Turns an arm's worker into a program. Starts nothing."""

    def argv(self, spec: Preset) -> tuple[str, ...]:
        """Return the command of a preset, its interpreter first. Never called for an incident without presets."""
        ...

    def retry_argv(self, spec: Preset, now: str) -> tuple[str, ...]:
        """Return the command of a preset's retry job at the time ``now`` (ISO 8601, UTC)."""
        ...

    def env(self, endpoints: Endpoints) -> Mapping[str, str]:
        """Return the variables that the worker finds its parts by: those of ``Incident.variables``."""
        ...
