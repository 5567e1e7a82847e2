"""The environment of a worker that belongs to no incident; its program is the scenario's command.

``WORKER`` keeps ``harness.protocols.worker``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.protocols.worker import Endpoints, Preset

_NO_PRESET = "an incident without presets has no worker of its own: give a command"


class OwnWorker:
    """A worker of the user's own."""

    def argv(self, spec: Preset) -> tuple[str, ...]:
        """Raise UsageError: there is no preset."""
        raise UsageError(f"worker.preset {spec.preset}: {_NO_PRESET}")

    def retry_argv(self, spec: Preset, now: str) -> tuple[str, ...]:
        """Raise UsageError: there is no preset, so no retry job."""
        raise UsageError(f"worker.preset {spec.preset} at {now}: {_NO_PRESET}")

    def env(self, endpoints: Endpoints) -> Mapping[str, str]:
        """Return the variables that docs/how-to/bring-your-own-worker.md names."""
        return {
            "AMQP_URL": endpoints.broker_url,
            "AMQP_QUEUE": endpoints.queue,
            "DEPENDENCY_URL": endpoints.dependency_url,
            "HARNESS_STATS_FILE": str(endpoints.stats_file),
            "HARNESS_ALERTS_FILE": str(endpoints.alerts_file),
            "HARNESS_FLIGHT_DIR": str(endpoints.flight_folder),
        }


WORKER = OwnWorker()
