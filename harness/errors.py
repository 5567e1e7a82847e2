"""Every error the harness raises on purpose, and the exit code each one means.

Imports nothing. ``harness.__main__`` alone turns an error into an exit code; everyone else raises.

    HarnessError                exit 4  the harness itself broke
    ├── UsageError              exit 2  the command line asks for something that does not exist
    │   └── ScenarioError       exit 2  a scenario file is wrong: which file, which field, what was wrong
    ├── NotEnforceableError     exit 3  a limit or a fault could not be enforced
    ├── MissingPartError        exit 4  a part (RabbitMQ, Toxiproxy, …) is not on this machine; says the remedy
    ├── PartFailedError         exit 4  a part was started and did not come up, or broke
    │   └── WaitTimeoutError    exit 4  a named condition did not come true in time; says the last thing seen
    ├── RunDirectoryError       exit 4  a run directory can't be written or read
    └── RefusedTargetError      exit 5  a target that is not on this machine, without --allow-target
"""


class HarnessError(Exception):
    """The root: something the harness can name went wrong. The message says what, where, and the remedy."""

    exit_code = 4


class UsageError(HarnessError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class ScenarioError(UsageError):
    """A scenario file is wrong. The message names the file, the field, the value and the remedy."""


class NotEnforceableError(HarnessError):
    """A memory limit or a fault could not be enforced here, so no verdict can be had."""

    exit_code = 3


class MissingPartError(HarnessError):
    """A part that a trial stands on is not on this machine. The message says how to get it."""


class PartFailedError(HarnessError):
    """A part was started and did not come up, or broke while it was needed."""


class WaitTimeoutError(PartFailedError):
    """A named condition did not come true in time."""


class RunDirectoryError(HarnessError):
    """A run directory can't be written, or what it holds can't be read."""


class RefusedTargetError(HarnessError):
    """The target is not on this machine. Load and chaos go to loopback unless --allow-target says otherwise."""

    exit_code = 5
