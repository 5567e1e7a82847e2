"""A private PostgreSQL server for a run: its files, its process, its start and its end.

``databases`` and the tests use it: ``with postgres(scope, logs) as server``. It listens on a free port of loopback and
on no socket file, with a password of its own, and never meets a system-wide cluster. Its data live as long as the run,
so nothing is synced to the disk. It makes no database for a trial: ``databases`` does.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from harness.environment.ports import LOOPBACK, free_port
from harness.environment.process import Child, ChildState
from harness.environment.run.outside_folders import make_outside_folder
from harness.errors import MissingPartError, PartFailedError
from harness.waiting import NotYetError, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pwd import struct_passwd

    from harness.environment.run.run_scope import RunScope

_VERSIONS_FOLDER = Path("/usr/lib/postgresql")  # Debian's: one folder for each major version
REMEDY = (
    "install PostgreSQL with `sudo make test-parts` or `apt-get install postgresql` (a /usr/sbin/policy-rc.d that "
    "exits 101 keeps its system cluster from starting), or give --database URL"
)
# PostgreSQL refuses to run as root. Debian's package makes the first user; the second is on every machine.
_UNPRIVILEGED_USERS = ("postgres", "nobody")
_USER = "harness"

# Measured on two busy cores: 2.7 s for both. The rest is for a machine that is busier.
_INITDB_TIMEOUT_S = 60.0
_STARTUP_TIMEOUT_S = 60.0
_CONNECT_TIMEOUT_S = 2
# An immediate shutdown waits for nobody; after 5 s PostgreSQL kills its own processes that did not heed it.
_STOP_GRACE_S = 10.0
# The worker's twelve connections, a retry job's, the harness's; three of them at once in a test.
_CONNECTIONS_MAX = 100


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that answers. ``url`` is its maintenance database's, password included; ``repr`` does not show it."""

    url: str = field(repr=False)
    version: str
    pid: int


def find_postgres() -> Path | None:
    """Return the folder with the newest server's programs, or None when PostgreSQL is not here."""
    found = [path.parent for path in _VERSIONS_FOLDER.glob("*/bin/postgres") if (path.parent / "initdb").exists()]
    if found:
        return max(found, key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.parent.name)])
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path and shutil.which("initdb") else None


@contextlib.contextmanager
def postgres(scope: RunScope, log_folder: Path) -> Iterator[PostgresServer]:
    """Start a private server for the run; within the context it answers, afterwards nothing of it runs.

    Logs are in ``log_folder``, where they stay. Raises MissingPartError without PostgreSQL, PartFailedError with the
    log's tail when it does not come up.
    """
    programs = find_postgres()
    if programs is None:
        raise MissingPartError(f"PostgreSQL is not on this machine: {REMEDY}")
    user = _server_user()
    folder = make_outside_folder(scope.folder, user)
    password, port = secrets.token_urlsafe(24), free_port()
    # What a shell of the user sets for his own clients must not reach ours.
    env = {name: value for name, value in scope.environment().items() if not name.startswith("PG")}
    _make_cluster(programs, folder, password, _as_user(user), env, log_folder / "postgres-initdb.log")
    child = Child(
        "PostgreSQL",
        [str(programs / "postgres"), "-D", str(folder / "data"), *_settings(port)],
        env,
        log_folder / "postgres.log",
        folder,
        prefix=_as_user(user),
    )
    try:
        child.start()
        version = wait_for(
            f"PostgreSQL to answer on port {port}",
            lambda: _version(port, password),
            timeout_s=_STARTUP_TIMEOUT_S,
            alive=child.death,
        )
        yield PostgresServer(f"postgresql+psycopg://{_USER}:{password}@{LOOPBACK}:{port}/postgres", version, child.pid)
    finally:
        _stop(child)


def _server_user() -> struct_passwd | None:
    """Return the user that the server is to run as; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise MissingPartError(
        f"PostgreSQL does not run as root, and there is no user {' or '.join(_UNPRIVILEGED_USERS)}: make one"
    )


def _as_user(user: struct_passwd | None) -> tuple[str, ...]:
    """Return what to put before a command so that ``user`` runs it, under the same pid."""
    if user is None:
        return ()
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")


def _make_cluster(
    programs: Path, folder: Path, password: str, prefix: Sequence[str], env: Mapping[str, str], log_file: Path
) -> None:
    password_file = folder / "password"
    password_file.write_text(f"{password}\n", encoding="utf-8")
    # In a folder of the server's user alone; his program reads it, and it is gone before the server starts.
    password_file.chmod(0o644)
    argv = [str(programs / "initdb"), "--pgdata", str(folder / "data"), "--username", _USER, "--pwfile"]
    argv += [str(password_file), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    with Child("initdb", argv, env, log_file, folder, prefix=prefix) as child:
        status = child.wait(_INITDB_TIMEOUT_S)
    password_file.unlink()
    if status != 0:
        raise PartFailedError(f"initdb ended with {status}; its log ends:\n{child.tail()}")


def _settings(port: int) -> list[str]:
    """Return the server's settings: what keeps it private, and what a server without a future need not do."""
    settings = {
        "listen_addresses": LOOPBACK,
        "port": port,
        "unix_socket_directories": "",
        "max_connections": _CONNECTIONS_MAX,
        "shared_buffers": "32MB",
        # In files of the data folder, which goes with the run; by default they would be in /dev/shm.
        "dynamic_shared_memory_type": "mmap",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "jit": "off",
        "timezone": "UTC",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] ",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _version(port: int, password: str) -> str:
    try:
        with psycopg.connect(
            host=LOOPBACK,
            port=port,
            user=_USER,
            password=password,
            dbname="postgres",
            connect_timeout=_CONNECT_TIMEOUT_S,
        ) as connection:
            return connection.info.parameter_status("server_version") or "of unknown version"
    except psycopg.OperationalError as error:
        raise NotYetError(str(error).partition("\n")[0]) from error


def _stop(child: Child) -> None:
    """End the server at once: its data have no future. SIGTERM would have it wait for its clients to leave."""
    if child.state is ChildState.NEW:
        return
    child.signal(signal.SIGQUIT)
    with contextlib.suppress(PartFailedError):
        child.wait(_STOP_GRACE_S)
        return
    child.kill()
