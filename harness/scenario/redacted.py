"""A scenario as a run directory may keep it: whole, but for the secrets in its workers' environments and commands.

The campaign stores it so; the commands refuse to play one whose secrets are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.redaction import HIDDEN, masked, masked_environment

if TYPE_CHECKING:
    from harness.scenario.arms import Arm
    from harness.scenario.model import Scenario


def without_secrets(scenario: Scenario) -> Scenario:
    """Return ``scenario`` for the record. It is judged as the one that was played."""
    return scenario.model_copy(update={"arms": {name: _arm(arm) for name, arm in scenario.arms.items()}})


def check_nothing_hidden(scenario: Scenario) -> None:
    """Raise UsageError for a scenario that was taken from a record and has lost a secret on the way."""
    for name, arm in scenario.arms.items():
        for variable, value in {**arm.env, **arm.worker.env}.items():
            if HIDDEN in value:
                raise UsageError(
                    f"arms.{name}: {variable} is {value!r}: a run keeps no secret of its scenario; put the value back"
                )


def _arm(arm: Arm) -> Arm:
    command = arm.worker.command
    worker = arm.worker.model_copy(
        update={
            "env": masked_environment(arm.worker.env),
            "command": None if command is None else tuple(masked(word) for word in command),
        }
    )
    return arm.model_copy(update={"env": masked_environment(arm.env), "worker": worker})
