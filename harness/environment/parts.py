"""What of the parts of a trial is on this machine: found where, which version, and the remedy where it is missing.

``harness doctor`` shows it. Every look is short and never raises; nothing is started but ``--version`` calls. Whether
the kernel enforces a memory limit is not looked up but tried: see ``memory_limit.canary``.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.environment.broker.node import REMEDY as BROKER_REMEDY
from harness.environment.broker.node import find_server
from harness.environment.database.postgres import REMEDY as POSTGRES_REMEDY
from harness.environment.database.postgres import find_postgres
from harness.environment.proxy.proxy import TOXIPROXY_REMEDY, binary_version, find_toxiproxy

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK_TIMEOUT_S = 5.0
_GIB = 2**30
# A replay of the incident stores 1500 messages of 3 MB in the broker, and as much again in logs, captures and the files
# of a broker that compacts.
_DISK_NEEDED_BYTES = 10 * _GIB
# The worker may take its 3000 MiB, the broker was measured at 3.4 GB, and publishers, dependency and the harness share
# one more.
_MEMORY_NEEDED_BYTES = 8 * _GIB


@dataclass(frozen=True, slots=True)
class Part:
    """One part. ``found`` is where or how much; None when missing or too little: then ``remedy`` helps."""

    name: str
    found: str | None
    version: str | None
    remedy: str
    needed: bool = True  # False: a trial can run without it


def find_parts() -> tuple[Part, ...]:
    """Look for every part, in the order in which a reader wants to know. Takes seconds at most; never raises."""
    looks: tuple[tuple[str, Callable[[], Part]], ...] = (
        ("Python", _python),
        ("RabbitMQ", _rabbitmq),
        ("Erlang", _erlang),
        ("Toxiproxy", _toxiproxy),
        ("PostgreSQL", _postgres),
        ("memray", _memray),
        ("Docker engine", _docker),
        ("Chromium", _chromium),
        ("free disk", _disk),
        ("free memory", _memory),
    )
    return tuple(_look(name, look) for name, look in looks)


def _look(name: str, look: Callable[[], Part]) -> Part:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - a doctor reports what it can't examine; it does not fall ill itself
        return Part(name, None, None, f"the look itself failed: {error!r}", needed=False)


def _python() -> Part:
    return Part("Python", sys.executable, platform.python_version(), "")


def _rabbitmq() -> Part:
    server = find_server()
    if server is None:
        return Part("RabbitMQ", None, None, BROKER_REMEDY)
    # Debian's tree: …/lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server. Asking the server itself would start an Erlang
    # VM.
    found = re.search(r"rabbitmq_server-([0-9.]+)", str(server.resolve()))
    return Part("RabbitMQ", str(server), found[1] if found else None, "")


def _erlang() -> Part:
    erl = shutil.which("erl")
    if erl is None or shutil.which("epmd") is None:
        return Part("Erlang", None, None, "it comes with RabbitMQ: `apt-get install rabbitmq-server`")
    releases = Path(erl).resolve().parents[1] / "releases"
    versions = sorted(file.read_text(encoding="utf-8").strip() for file in releases.glob("*/OTP_VERSION"))
    return Part("Erlang", erl, versions[-1] if versions else None, "")


def _toxiproxy() -> Part:
    binary = find_toxiproxy()
    if binary is None:
        return Part(
            "Toxiproxy", None, None, f"{TOXIPROXY_REMEDY}; until then the embedded proxy stands in", needed=False
        )
    return Part("Toxiproxy", str(binary), binary_version(binary), "")


def _postgres() -> Part:
    programs = find_postgres()
    if programs is None:
        return Part("PostgreSQL", None, None, f"{POSTGRES_REMEDY}; only --database postgres needs it", needed=False)
    said = _first_line(str(programs / "postgres"), "--version") or ""
    version = re.search(r"\d+(\.\d+)*", said)
    return Part("PostgreSQL", str(programs), version[0] if version else None, "", needed=False)


def _memray() -> Part:
    try:
        return Part("memray", sys.executable, metadata.version("memray"), "", needed=False)
    except metadata.PackageNotFoundError:
        return Part("memray", None, None, "`pip install memray`; only profiled arms need it", needed=False)


def _docker() -> Part:
    remedy = "install and start a Docker engine; only the container back ends need it"
    docker = shutil.which("docker")
    version = _first_line(docker, "version", "--format", "{{.Server.Version}}") if docker else None
    return Part("Docker engine", docker if version else None, version, "" if version else remedy, needed=False)


def _chromium() -> Part:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        return Part("Chromium", None, None, "`apt-get install chromium`; only the browser tests need it", needed=False)
    return Part("Chromium", path, _first_line(path, "--version"), "", needed=False)


def _disk() -> Part:
    folder = tempfile.gettempdir()
    free_bytes = shutil.disk_usage(folder).free
    enough = free_bytes >= _DISK_NEEDED_BYTES
    shown = f"{free_bytes / _GIB:.1f} GiB in {folder}"
    remedy = "" if enough else f"a full replay needs {_DISK_NEEDED_BYTES // _GIB} GiB: make room, or set TMPDIR"
    return Part("free disk", shown if enough else None, None if enough else shown, remedy)


def _memory() -> Part:
    free_bytes = psutil.virtual_memory().available
    enough = free_bytes >= _MEMORY_NEEDED_BYTES
    shown = f"{free_bytes / _GIB:.1f} GiB"
    remedy = "" if enough else f"a full replay needs {_MEMORY_NEEDED_BYTES // _GIB} GiB: use the small profile"
    return Part("free memory", shown if enough else None, None if enough else shown, remedy, needed=False)


def _first_line(*argv: str) -> str | None:
    """Return the first line a program prints; None when it fails, or takes too long."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LOOK_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().partition("\n")[0] or None
