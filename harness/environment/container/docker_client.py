"""A run's containers, asked of Docker's own client: ``census`` counts and ``sweep`` removes them by the run's label.

Where there is no client, or no engine answers it, there can be no container of ours. It starts none: ``containers``
does.
"""

from __future__ import annotations

import shutil
import subprocess

from harness.environment.run.state_folder import CONTAINER_LABEL

_TIMEOUT_S = 20.0


def find_containers(run_id: str) -> tuple[str, ...]:
    """Return the ids of the run's containers, running or not."""
    return tuple(_docker("ps", "--all", "--quiet", "--filter", f"label={CONTAINER_LABEL}={run_id}").split())


def remove_containers(run_id: str) -> tuple[str, ...]:
    """Remove the run's containers with their volumes; return the ids of those that are gone."""
    found = find_containers(run_id)
    if found:
        _docker("rm", "--force", "--volumes", *found)
    left = find_containers(run_id)
    return tuple(container for container in found if container not in left)


def _docker(*arguments: str) -> str:
    """Return what the client printed; nothing where it is not here, fails, or does not end in time."""
    docker = shutil.which("docker")
    if docker is None:
        return ""
    try:
        done = subprocess.run(
            [docker, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
