"""The arms of a scenario: which program is the worker, what it finds in its environment, and what is expected of it.

Used by ``harness.scenario.model``. It starts nothing; ``harness.trial`` turns an arm into a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.fields.strict import DurationS, Name, Strict
from harness.scenario.expectations import Expect

if TYPE_CHECKING:
    from harness.protocols.incident import Incident

# ``before``: the worker as it was, which must show the incident. ``reported``: the fix to the letter of the report,
# which must show what is expected of it, its holes included. ``after``: the worker that has to hold.
Role = Literal["before", "reported", "after"]

# A process can be given neither a NUL nor a variable whose name has one; ``=`` ends a name.
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=10_000)]


class WorkerSpec(Strict):
    """Which program is the worker: a preset of the incident, or a command of the user's own.

    A command runs in ``folder``. ``harness.scenario.files`` makes that an absolute path, by the scenario file's own
    folder, so that the scenario which a run stores starts the same program.
    """

    preset: Name | None = None
    mechanism: Text | None = None
    with_: Annotated[tuple[Name, ...], Field(alias="with")] = ()
    without: tuple[Name, ...] = ()
    command: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    folder: Annotated[Text, Field(min_length=1)] | None = None
    env: dict[Variable, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if (self.preset is None) == (self.command is None):
            raise ValueError("name exactly one of preset, command")
        if self.command is not None and (self.with_ or self.without):
            raise ValueError("with and without choose remedies of a preset; a command has none")
        if self.command is not None and not self.command[0]:
            raise ValueError("command begins with an empty word; name the program")
        if self.folder is not None and self.command is None:
            raise ValueError("folder is where a command runs; a preset runs in the checkout")
        if both := sorted({*self.with_} & {*self.without}):
            raise ValueError(f"the remedy {both[0]!r} stands in both with and without; keep one")
        return self


class Arm(Strict):
    """One worker that goes through the workload, and what is expected of it.

    ``timers`` are environment variables in incident time, which the trial divides by the scenario's ``time_scale``;
    ``env`` are environment variables handed over as they are.
    """

    role: Role
    worker: WorkerSpec
    timers: dict[Variable, DurationS] = Field(default_factory=dict)
    env: dict[Variable, Text] = Field(default_factory=dict)
    expect: Expect = Expect()

    @model_validator(mode="after")
    def _variables_are_free(self) -> Self:
        if both := sorted({*self.timers} & {*self.env}):
            raise ValueError(f"{both[0]} stands in both timers and env; keep one")
        if both := sorted({*self.timers, *self.env} & {*self.worker.env}):
            raise ValueError(f"{both[0]} stands in worker.env and again in timers or env; keep one")
        return self

    @model_validator(mode="after")
    def _expectations_agree(self) -> Self:
        for one, other in self.expect.contradictions:
            raise ValueError(f"expect: {one} and {other} can't both come true; keep one")
        if self.role == "after" and (weak := self.expect.of_a_worker_that_fails):
            raise ValueError(f"expect.{weak[0]}: an arm of role 'after' has to hold; expect this of another role")
        return self


def check_arm(arm: Arm, incident: Incident) -> None:
    """Raise ValueError where the arm names what the incident does not have, or sets what the harness sets."""
    worker = arm.worker
    if worker.preset is not None and worker.preset not in incident.presets:
        there_are = f"there are {', '.join(incident.presets)}" if incident.presets else "it has none: give a command"
        raise ValueError(f"worker.preset: {worker.preset!r} is no preset of the incident {incident.name}; {there_are}")
    if worker.mechanism is not None and worker.preset != incident.mechanism_preset:
        raise ValueError(f"worker: mechanism belongs to the preset {incident.mechanism_preset!r}")
    if worker.mechanism is not None and worker.mechanism not in incident.mechanisms:
        raise ValueError(f"worker.mechanism: there are {', '.join(incident.mechanisms)} (is {worker.mechanism!r})")
    if taken := sorted({*arm.timers, *arm.env, *worker.env} & incident.variables):
        raise ValueError(f"{taken[0]} is set by the harness itself; remove it")
