"""What a check is: a name, thresholds, a pure function, and traits that others act on. One file has one check, or two.

Used by every check to describe itself, and by whoever reads ``registry``: the judge, the scenario's model and its
overrides, the documentation. A trait is data, so that nothing about a single check stands anywhere but in its file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.checkers.case import Case
    from harness.fields.strict import Strict
    from harness.record import CheckResult


class MadeOf(StrEnum):
    """Which arms a check is made of."""

    EXPECTING = "arms that expect it"
    EVERY = "every arm"  # a precondition: it makes the other checks worth anything
    HOLDING = "every arm of role after"  # as above


class Shrinks(StrEnum):
    """How a size shrinks in a small replay, which has a tenth of the bytes."""

    ABOVE_INTERPRETER = "above the interpreter"  # a level of memory: what the interpreter needs stays
    TO_A_TENTH = "to a tenth"  # a difference: there is no interpreter in it


@dataclass(frozen=True, slots=True)
class Size:
    """A threshold that is a size of memory."""

    field: str
    shrinks: Shrinks = Shrinks.ABOVE_INTERPRETER
    within_limit: bool = True  # above the memory limit it would say nothing


@dataclass(frozen=True, slots=True)
class Check:
    """One check. ``judge`` is called as ``judge(case, thresholds)``, or as ``judge(case)`` where nothing can be set."""

    name: str  # as reports show it
    judge: Callable[..., CheckResult]
    thresholds: type[Strict] | None = None
    key: str = ""  # its field in ``expect``; a precondition has none
    made_of: MadeOf = MadeOf.EXPECTING
    needs_drain: bool = False  # before everything is settled it proves nothing: unknown
    only_failing: bool = False  # only a worker with a fault can meet it: not of role ``after``
    sizes: tuple[Size, ...] = ()
    small_without: tuple[str, ...] = ()  # a small replay leaves it out beside one of these expectations
    phases: tuple[str, ...] = ()  # thresholds that name phases, which follow one another
    other_arm: str = ""  # the threshold that names another arm
    restarts: str = ""  # the threshold that the scenario's own limit of restarts has to allow
    excludes: tuple[str, ...] = ()  # expectations that can't come true beside it
    reaches_limit: bool = False  # the worker has to fill the memory limit
    needs_minute_table: bool = False  # compares with ``reported.points``

    def __call__(self, case: Case, thresholds: Any = None) -> CheckResult:
        """Return the verdict on ``case``; unknown, whatever was measured, where a drain is needed and lacks."""
        settable = self.thresholds is not None and self.thresholds.model_fields
        found = self.judge(case, thresholds) if settable else self.judge(case)
        if not self.needs_drain or case.undrained is None or found.verdict is Verdict.UNKNOWN:
            return found
        detail = f"The queues were not drained: {case.undrained}. {found.detail}".rstrip()
        return replace(found, verdict=Verdict.UNKNOWN, detail=detail)

    @property
    def is_precondition(self) -> bool:
        """Whether it is made whatever a scenario expects."""
        return self.made_of is not MadeOf.EXPECTING

    @property
    def meaning(self) -> str:
        """What it means in words: the docstring of its thresholds, or of its function."""
        return " ".join(str((self.thresholds or self.judge).__doc__).replace("``", "").split())
