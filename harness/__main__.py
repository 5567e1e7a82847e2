"""The way in: runs a command and turns errors into exit codes. The only place that does.

Exit codes: 0 pass, 1 fail, 2 usage or a bad scenario, 3 unknown, 4 the harness broke, 5 refused target, 130 and 143
interrupted. Never 137: that is the observation.
"""

from __future__ import annotations

import signal
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

import typer

from harness.commands.app import app
from harness.commands.steps.output import say_error
from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED, TERMINATED, BROKEN = 130, 143, 4
_TAKEN_DOWN = "everything was taken down; what was recorded until then is kept, and harness report can show it"


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception: nothing on the way out may swallow it."""


def main() -> NoReturn:
    """Run the command line; ends the process with the exit code of docs/reference/command-line.md."""
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, _interrupted)
    sys.exit(_status_of_command())


def _status_of_command() -> int:
    try:
        status = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except typer.TyperException as error:  # a verb, an option or a value that does not exist
        say_error(f"{error.format_message().rstrip('.')}; see harness --help")
        return UsageError.exit_code
    except Terminated:
        say_error(f"terminated: {_TAKEN_DOWN}")
        return TERMINATED
    except HarnessError as error:
        say_error(str(error))
        return error.exit_code
    except Exception:  # noqa: BLE001 - the last resort: a fault of the harness itself keeps its own exit code
        say_error(f"the harness itself broke; please report this:\n{traceback.format_exc()}")
        return BROKEN
    if status == INTERRUPTED:  # Typer turns a KeyboardInterrupt into this status
        say_error(f"interrupted: {_TAKEN_DOWN}")
    return status if isinstance(status, int) else 0


def _interrupted(_signum: int, _frame: FrameType | None) -> None:
    """Take everything down once; a second Ctrl-C must not cut the taking down short."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _terminated(_signum: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


if __name__ == "__main__":
    main()
