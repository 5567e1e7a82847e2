"""What this machine is and which versions of what are on it: for the manifest and the doctor.

It looks only; what is missing is ``unknown`` or ``not installed``, never an error.
"""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_PACKAGES = ("pika", "httpx", "locust", "memray", "sqlalchemy", "aiohttp", "toxiproxy-python", "matplotlib")
_GIT_TIMEOUT_S = 5.0


def checkout() -> Path:
    """Return the folder that holds ``harness/``."""
    return Path(__file__).resolve().parents[1]


def package_versions() -> dict[str, str]:
    """Return Python's version, those of the packages that shape a result, and the harness's own commit."""
    found = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    found["harness"] = _commit()
    return found


def machine_facts() -> dict[str, str]:
    """Return kernel, architecture, cores and memory."""
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cores": str(os.cpu_count() or 0),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str:
    """Return the short commit, with ``+changes`` where the tree differs from it; ``unknown`` outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty=+changes", "--abbrev=12"],
            cwd=checkout(),
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()
