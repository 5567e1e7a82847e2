"""A child process as a state machine: new → running → ended. Its verbs assert the state.

The broker, the proxy, the dependency, Locust and the worker are all ``Child``. A child is its whole process group, in a
session of its own, so that a Ctrl-C at the terminal reaches only the harness. It is ended by id. It knows nothing of
what it runs, and does not restart anything.
"""

from __future__ import annotations

import contextlib
import enum
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Self

from harness.errors import HarnessError, PartFailedError
from harness.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

# After SIGKILL only the kernel stands between a process and its end; a large one needs a while to give its pages back.
_KILL_TIMEOUT_S = 30.0
DEFAULT_GRACE_S = 5.0
_POLL_INTERVAL_S = 0.02
# Enough of a log for a stack trace, little enough for a terminal.
_TAIL_BYTES = 4096
_TAIL_LINES = 15


class ChildState(enum.Enum):
    """Where a child is in its incarnation. There is no way back: a restart is a new Child."""

    NEW = "new"
    RUNNING = "running"
    ENDED = "ended"


SIGKILL_STATUS = 128 + signal.SIGKILL  # 137: what ``shell_status`` gives for a death by SIGKILL


def shell_status(returncode: int) -> int:
    """Return Python's ``returncode`` as a shell shows it: 0 to 255, 128 + signal for a death by signal."""
    return 128 - returncode if returncode < 0 else returncode


def log_tail(log_file: Path, lines_max: int = _TAIL_LINES) -> str:
    """Return the last lines of ``log_file`` for an error message; a sentence when it can't be read or is empty."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError as error:
        return f"(no log: {error})"
    return "\n".join(text.splitlines()[-lines_max:]) or "(the log is empty)"


class Child:
    """One process that the harness starts, with all that it leaves in its process group.

    Args:
        name: What messages call it: "RabbitMQ", "worker incarnation 0".
        argv: Program and arguments; no shell.
        env: The whole environment. The caller puts HARNESS_RUN_ID in: ``RunScope.environment`` does.
        log_file: stdout and stderr are appended to it; its folder is made.
        cwd: Working directory; the harness's own by default.
        prefix: Put before ``argv``. It must end in an ``exec`` of its arguments, so that the pid stays: a memory_limit
        enters its group this way.

    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        log_file: Path,
        cwd: Path | None = None,
        *,
        prefix: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.argv = (*prefix, *argv)
        self.log_file = log_file
        self._env = dict(env)
        self._cwd = cwd
        self._popen: subprocess.Popen[bytes] | None = None
        self._exit_status: int | None = None
        # A monitor may poll while another thread ends the child; only one of them may reap.
        self._lock = threading.RLock()

    @property
    def state(self) -> ChildState:
        """The state as last looked at; ``poll`` looks again."""
        if self._popen is None:
            return ChildState.NEW
        return ChildState.RUNNING if self._exit_status is None else ChildState.ENDED

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group and session. Raises HarnessError before ``start``."""
        return self._started("pid").pid

    @property
    def exit_status(self) -> int | None:
        """As a shell shows it: 0 to 255, 128 + signal; None while it runs and before it was started."""
        return self._exit_status

    def start(self) -> Self:
        """Start it; new → running. Raises PartFailedError when the program can't be executed."""
        with self._lock:
            if self._popen is not None:
                raise HarnessError(
                    f"{self.name}: start() on a child that is {self.state.value}; make a new Child to restart"
                )
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with self.log_file.open("ab") as log:
                    self._popen = subprocess.Popen(
                        self.argv,
                        env=self._env,
                        cwd=self._cwd,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
            except OSError as error:
                raise PartFailedError(f"{self.name}: {self.argv[0]} can't be started: {error}") from error
        return self

    def poll(self) -> int | None:
        """Look whether it has ended; return the exit status, or None while it runs.

        When the process itself has ended, what it left in its group is killed before the process is reaped: until then
        its id can't be given to anybody else, so the signal can't meet a stranger.
        """
        with self._lock:
            popen = self._started("poll()")
            if self._exit_status is None and _has_ended(popen.pid):
                _signal_group(popen.pid, signal.SIGKILL)
                self._exit_status = shell_status(popen.wait(timeout=_KILL_TIMEOUT_S))
            return self._exit_status

    def wait(self, timeout_s: float) -> int:
        """Wait until it has ended by itself; return the exit status. Raises WaitTimeoutError."""

        def ended() -> tuple[int] | None:
            # Wrapped, because the status 0 is false.
            status = self.poll()
            return None if status is None else (status,)

        condition = f"{self.name} (pid {self.pid}) to end"
        return wait_for(condition, ended, timeout_s=timeout_s, interval_s=_POLL_INTERVAL_S)[0]

    def signal(self, signum: signal.Signals) -> None:
        """Send ``signum`` to the process alone. Does nothing when it has ended."""
        with self._lock:
            if self.poll() is None:
                os.kill(self.pid, signum)

    def terminate(self, grace_s: float = DEFAULT_GRACE_S) -> int:
        """SIGTERM to its group; after ``grace_s`` without an end, SIGKILL. Returns the exit status."""
        with self._lock:
            if self.poll() is None:
                _signal_group(self.pid, signal.SIGTERM)
        with contextlib.suppress(PartFailedError):
            return self.wait(grace_s)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL to its group, at once. Returns the exit status; WaitTimeoutError when the kernel can't end it."""
        with self._lock:
            if self.poll() is None:
                _signal_group(self.pid, signal.SIGKILL)
        return self.wait(_KILL_TIMEOUT_S)

    def death(self) -> str | None:
        """Return None while it runs, else how it ended and the tail of its log: for ``wait_for``'s ``alive``."""
        status = self.poll()
        return None if status is None else f"{self.name} ended with status {status}; its log ends:\n{self.tail()}"

    def tail(self) -> str:
        """Return the last lines of its log, for error messages."""
        return log_tail(self.log_file)

    def __enter__(self) -> Self:
        return self.start() if self.state is ChildState.NEW else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()

    def _started(self, verb: str) -> subprocess.Popen[bytes]:
        if self._popen is None:
            raise HarnessError(f"{self.name}: {verb} before start()")
        return self._popen


def _has_ended(pid: int) -> bool:
    """Say whether our child ``pid`` has ended, and leave it unreaped."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _signal_group(group: int, signum: signal.Signals) -> None:
    """Signal every process of the group; one that consists of zombies, or of nobody, is left in peace."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)
