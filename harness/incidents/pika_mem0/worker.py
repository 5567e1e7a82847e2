"""The incident's worker as a program: the package ``worker_under_test``, by preset, mechanism and remedies.

``WORKER`` keeps ``harness.protocols.worker``. The names of its environment are the original code base's; the whole of
it is "The worker's environment" in docs/reference/contracts.md. It starts nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.incidents.pika_mem0 import INCIDENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.protocols.worker import Endpoints, Preset

MODULE = (sys.executable, "-m", str(INCIDENT.package))


class WorkerUnderTest:
    """The presets of ``worker_under_test``."""

    def argv(self, spec: Preset) -> tuple[str, ...]:
        """Return the command of a preset."""
        mechanism = () if spec.mechanism is None else ("--mechanism", spec.mechanism)
        return (*MODULE, "--preset", str(spec.preset), *mechanism, *_remedies(spec))

    def retry_argv(self, spec: Preset, now: str) -> tuple[str, ...]:
        """Return the command of a preset's retry job at the time ``now``; it has no mechanism to choose."""
        return (*MODULE, "retry", "--preset", str(spec.preset), *_remedies(spec), "--now", now)

    def env(self, endpoints: Endpoints) -> Mapping[str, str]:
        """Return the variables of the contract."""
        return {
            "RABBITMQ_URL": endpoints.broker_url,
            "RABBITMQ_QUEUE": endpoints.queue,
            "MEMORY_API_URL": endpoints.dependency_url,
            "GROQ_BASE_URL": f"{endpoints.dependency_url}/openai/v1",
            "DATABASE_URL": endpoints.database_url,
            "WORKER_STATS_FILE": str(endpoints.stats_file),
            "ALERTS_FILE": str(endpoints.alerts_file),
            "FLIGHT_RECORDER_DIR": str(endpoints.flight_folder),
        }


def _remedies(spec: Preset) -> tuple[str, ...]:
    chosen = [word for remedy in spec.with_ for word in ("--with", remedy)]
    return (*chosen, *(word for remedy in spec.without for word in ("--without", remedy)))


WORKER = WorkerUnderTest()
