"""What a scenario expects of an arm: for each check its thresholds, and the rules that their traits impose.

``Expect`` is built from ``harness.checkers.registry``: a check's own file says its field, its thresholds and its
traits, and nothing about a single check stands here. Used by ``harness.scenario.model`` and ``arms``. It judges
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import create_model, model_validator

from harness.checkers.registry import expectable
from harness.fields.strict import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.checkers.check import Check

# What a field was called before: a scenario that still has it is told the new name.
RENAMED = {"put_off": "deferred"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an arm's expectations have to agree with in the rest of its scenario."""

    phases: tuple[str, ...]
    other_arms: frozenset[str]
    memory_limit_bytes: int
    restarts_max: int
    has_minute_table: bool


class _Expectations(Strict):
    """The expectations of one arm. What is left out is not expected."""

    @model_validator(mode="before")
    @classmethod
    def _are_called_so(cls, data: Any) -> Any:
        for old, new in RENAMED.items():
            if isinstance(data, dict) and old in data:
                raise ValueError(f"{old} is now called {new}; rename the field")
        return data

    def thresholds_of(self, check: Check) -> Any:
        """Return the thresholds of ``check``; None where it is not expected."""
        return getattr(self, check.key) if check.key else None

    @property
    def expected(self) -> Iterator[tuple[Check, Any]]:
        """What is expected: each check with its thresholds."""
        for check in expectable().values():
            if (thresholds := self.thresholds_of(check)) is not None:
                yield check, thresholds

    def misfits(self, around: Surroundings) -> Iterator[str]:
        """Yield what does not agree with the rest of the scenario, each as ``field: reason``."""
        for field, size_bytes in self.sizes_bytes:
            if size_bytes > around.memory_limit_bytes:
                yield f"{field}: above memory_limit it says nothing; lower it"
        yield from _missed_phases(self.stretches, around.phases)
        for check, other in self.comparisons:
            if other not in around.other_arms:
                yield f"{check.key}.{check.other_arm}: no other arm is named {other!r}"
        for check, thresholds in self.expected:
            if check.restarts and (count := getattr(thresholds, check.restarts)) > around.restarts_max:
                yield f"{check.key}: {count} restarts, but restarts.limit allows {around.restarts_max}"
            if check.needs_minute_table and not around.has_minute_table:
                yield f"{check.key}: there are no reported.points to compare with"

    @property
    def sizes_bytes(self) -> Iterator[tuple[str, int]]:
        """The sizes that memory is compared with and that the limit bounds, each with the field it belongs to."""
        for check, thresholds in self.expected:
            for size in check.sizes:
                if size.within_limit and (size_bytes := getattr(thresholds, size.field)) is not None:
                    yield check.key, size_bytes

    @property
    def stretches(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The phases that are looked at by themselves, each list with the field it belongs to."""
        for check, thresholds in self.expected:
            for field in check.phases:
                if (named := getattr(thresholds, field)) is not None:
                    yield f"{check.key}.{field}", (named,) if isinstance(named, str) else named

    @property
    def comparisons(self) -> Iterator[tuple[Check, str]]:
        """The checks that compare with another arm, each with that arm's name."""
        for check, thresholds in self.expected:
            if check.other_arm:
                yield check, getattr(thresholds, check.other_arm)

    @property
    def contradictions(self) -> Iterator[tuple[str, str]]:
        """The pairs of expectations that can't both come true."""
        named = {check.key for check, _ in self.expected}
        for check, _ in self.expected:
            for other in check.excludes:
                if other in named:
                    yield check.key, other

    @property
    def of_a_worker_that_fails(self) -> tuple[str, ...]:
        """The names of those expectations that only a worker with a fault can meet."""
        return tuple(check.key for check, _ in self.expected if check.only_failing)

    @property
    def reaches_limit(self) -> bool:
        """Whether the worker has to fill its memory limit."""
        return any(check.reaches_limit for check, _ in self.expected)

    def changed(self, **thresholds: Any) -> Expect:
        """Return these expectations with other ``thresholds``; None takes an expectation away."""
        return self.model_copy(update=thresholds)  # type: ignore[return-value]


if TYPE_CHECKING:

    class Expect(_Expectations):
        """The expectations of one arm: a field for each check, None where it is not expected."""

        def __getattr__(self, name: str) -> Any: ...

else:
    _FIELDS = {check.key: (check.thresholds | None, None) for check in expectable().values()}
    Expect = create_model("Expect", __base__=_Expectations, __module__=__name__, **_FIELDS)


def _missed_phases(stretches: Iterator[tuple[str, tuple[str, ...]]], phases: tuple[str, ...]) -> Iterator[str]:
    for field, during in stretches:
        if missing := [phase for phase in during if phase not in phases]:
            yield f"{field}: no phase is named {missing[0]!r}; there are {', '.join(phases)}"
        elif not _is_stretch(during, phases):
            yield f"{field}: name phases that follow one another, in order"


def _is_stretch(names: tuple[str, ...], phases: tuple[str, ...]) -> bool:
    first = phases.index(names[0])
    return names == phases[first : first + len(names)]
