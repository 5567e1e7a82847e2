"""What every fault has: when it comes, how long it stays, what it is done to, and how it is put in force.

The modules beside this one derive their faults from ``Fault``, ``LastingFault`` or ``PulsedFault``. Durations are
incident time. ``for`` runs by the phase's clock; every other duration is divided by the scenario's ``time_scale``, as
the worker's timers are. Bytes are never scaled. The times of each occurrence are drawn by
``harness.scenario.fault_schedule``.
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from harness.faults.context import FaultContext, Part
from harness.fields.strict import DurationS, RatePerS, Strict, TimeOfDayS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

OCCURRENCES_MAX = 200  # of one entry: more than that is a rate mistaken
_TIMES = frozenset({"fault", "at", "after", "rate", "over", "for_"})

Positive = Annotated[DurationS, Field(gt=0)]


class Fault(Strict):
    """A fault that comes once, or is drawn from the scenario's seed at ``rate`` over a stretch."""

    part: ClassVar[Part]  # what it is done to: a field of FaultContext
    needs: ClassVar[type]  # the ability of that part, a protocol of harness.faults.context
    alone: ClassVar[bool] = True  # no two faults on one part at once
    silences: ClassVar[bool] = False  # the worker's connection carries nothing, and nobody closes it

    fault: str  # its name in a scenario file: each fault narrows this to a Literal
    at: TimeOfDayS | None = None
    after: DurationS | None = None  # since the phase's beginning; 0 where neither is given
    rate: RatePerS | None = None
    over: DurationS | None = None

    @model_validator(mode="after")
    def _times_agree(self) -> Self:
        if self.at is not None and self.after is not None:
            raise ValueError("name at most one of at (a time of day) and after (a duration since the phase began)")
        if (self.rate is None) != (self.over is None):
            raise ValueError("rate and over belong together: how often, and for how long a stretch")
        if self.rate is not None and self.over is not None:
            if not 0 < self.rate * self.over <= OCCURRENCES_MAX:
                raise ValueError(f"rate times over asks for {self.rate * self.over:g} times; 1 to {OCCURRENCES_MAX}")
            if self.over <= self.lasts_s:
                raise ValueError("over is no longer than one fault lasts: lengthen it")
        return self

    @abstractmethod
    def in_force(self, context: FaultContext) -> AbstractContextManager[str]:
        """Return the context of one occurrence.

        Entered, the fault is in force, and what it yields says how that was seen; left, it is healed, and that was seen
        too. Raises NotEnforceableError or PartFailedError where either can't be seen.
        """

    @property
    def settings(self) -> str:
        """What the scenario says of it, beside its name and its times, for people."""
        given = self.model_dump(mode="json", by_alias=True, exclude=set(_TIMES), exclude_none=True)
        return ", ".join(f"{name} {value}" for name, value in given.items())

    @property
    def lasts_s(self) -> float:
        """How long one occurrence is to stay in force, in incident seconds; 0 for what is over when it is done."""
        return 0.0

    @property
    def stretch_s(self) -> float:
        """How long the whole entry takes, in incident seconds."""
        return self.over if self.over is not None else self.lasts_s


class LastingFault(Fault):
    """A fault that stays in force ``for`` so long, and is then healed."""

    for_: Annotated[Positive, Field(alias="for")]

    @property
    def lasts_s(self) -> float:
        """The field ``for``."""
        return self.for_


class PulsedFault(LastingFault):
    """A fault that comes and goes; each stretch is drawn between half and one and a half times the scenario's."""

    @property
    @abstractmethod
    def pulse_s(self) -> tuple[float, float]:
        """How long a pulse lasts, and how long it stays away, in incident seconds."""

    @model_validator(mode="after")
    def _pulses_are_few(self) -> Self:
        most = self.lasts_s / sum(self.pulse_s) * 2 * max(1.0, (self.rate or 0) * (self.over or 0))
        if most > OCCURRENCES_MAX:
            raise ValueError(f"that is up to {most:.0f} pulses; at most {OCCURRENCES_MAX}: lengthen them")
        return self


def begins_s(fault: Fault, from_s: float) -> float:
    """Return when the entry begins, in incident seconds since its phase did, which began at ``from_s``."""
    return fault.at - from_s if fault.at is not None else fault.after or 0.0


def check_faults_fit(faults: Sequence[Fault], from_s: float, to_s: float) -> None:
    """Raise ValueError where a fault does not lie in its phase, or two meet on one part."""
    for place, fault in enumerate(faults):
        begin_s = begins_s(fault, from_s)
        if begin_s < 0 or begin_s + fault.stretch_s > to_s - from_s or begin_s >= to_s - from_s:
            raise ValueError(f"faults.{place}: {fault.fault} does not lie within its phase: it is healed by its end")
    single = sorted((fault for fault in faults if fault.alone), key=lambda fault: (fault.part, begins_s(fault, from_s)))
    for first, second in pairwise(single):
        if first.part == second.part and begins_s(first, from_s) + first.stretch_s > begins_s(second, from_s):
            raise ValueError(
                f"faults: {second.fault} begins before {first.fault} has healed, both on the {first.part}; move one"
            )
