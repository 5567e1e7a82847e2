"""The faults of a trial as they come and go: applied when due, healed when due, each with its fault events.

Used by ``phases``. A fault event is an event: ``fault_requested``, ``fault_in_force`` once the effect was seen, and
``fault_healed`` once that was seen too; ``fault_failed`` says what went wrong instead. A phase's own rules for the
dependency leave the same events as any fault. A fault that fails does not end the trial: the checker makes it unknown.
Left, for whatever reason, nothing is in force any more.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from harness.errors import HarnessError, ScenarioError
from harness.faults.dependency import end_open_calls, put_rules
from harness.faults.registry import lacking, put_in_force

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from harness.faults.context import FaultContext, Part
    from harness.scenario import DependencyRules, FaultOccurrence, Scenario
    from harness.store import TrialFolder

DEPENDENCY_RULES = "dependency_rules"  # how fault events name the rules that a phase has for the dependency


def check_abilities(scenario: Scenario, parts: Mapping[Part, type]) -> None:
    """Raise ScenarioError where a fault needs an ability that the class of its part does not have.

    ``parts`` holds the classes that are known before anything starts; faults of any other part are not looked at.
    """
    for place, phase in enumerate(scenario.timeline):
        for number, fault in enumerate(phase.faults):
            if fault.part in parts and (reason := lacking(fault, parts[fault.part])) is not None:
                raise ScenarioError(f"timeline.{place}.faults.{number}: {reason}")


class FaultsInForce:
    """A context manager over a whole timeline. ``begin`` hands it a phase's faults, ``act`` does what is due."""

    def __init__(self, context: FaultContext, folder: TrialFolder) -> None:
        self._context = context
        self._events = _FaultEvents(folder)
        self._due: list[tuple[float, float, FaultOccurrence]] = []  # begins, ends, by the monotonic clock
        self._in_force: list[tuple[float, FaultOccurrence, ExitStack]] = []
        self._followed: tuple[str, DependencyRules] | None = None  # by the dependency, with their key

    def follow(self, key: str, rules: DependencyRules) -> None:
        """Have the dependency follow ``rules``, in place of those before, until the next ones."""
        self._events.requested(DEPENDENCY_RULES, key, rules.summary)
        try:
            seen = put_rules(self._context.dependency, rules, self._context.time_scale)
            if self._followed is not None:
                end_open_calls(self._context.dependency, self._followed[1].open_calls)
        except HarnessError as error:
            self._events.failed(DEPENDENCY_RULES, key, "never took effect", error)
            return
        self._rules_are_replaced()
        self._followed = key, rules
        self._events.in_force(DEPENDENCY_RULES, key, seen)

    def begin(self, occurrences: Sequence[FaultOccurrence], begins_mono_s: float, scale: float) -> None:
        """Take the faults of the phase that began at ``begins_mono_s`` and whose clock runs at ``scale``."""
        self._due = [
            (begins_mono_s + each.begins_s / scale, begins_mono_s + each.ends_s / scale, each) for each in occurrences
        ]

    def act(self, now_mono_s: float) -> None:
        """Heal and apply what is due by now, in that order. May take as long as a part takes to start.

        What comes late comes in the order that was planned: a part that was to be healed by then is healed before it is
        broken again, or the next pulse of a slow database would wait for the lock that the last one holds.
        """
        self._heal_ended(now_mono_s)
        while self._due and self._due[0][0] <= now_mono_s:
            begins_mono_s, ends_mono_s, occurrence = self._due.pop(0)
            self._heal_ended(begins_mono_s)
            applied = self._apply(occurrence, ends_mono_s)
            if applied is not None and occurrence.ends_s == occurrence.begins_s:
                self._heal(occurrence, applied)

    def next_mono_s(self) -> float:
        """Return when something is due next; infinity when nothing is."""
        moments_mono_s = [*(begins for begins, _, _ in self._due[:1]), *(ends for ends, _, _ in self._in_force)]
        return min(moments_mono_s, default=math.inf)

    def end(self) -> None:
        """End a phase: heal all that is in force, the latest first, and drop what was still to come."""
        self._due = []
        for _, occurrence, stack in reversed(self._in_force.copy()):
            self._heal(occurrence, stack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._rules_are_replaced()

    def _apply(self, occurrence: FaultOccurrence, ends_mono_s: float) -> ExitStack | None:
        """Put one fault in force; None where that failed."""
        fault, key = occurrence.fault, occurrence.key
        self._events.requested(fault.fault, key, fault.settings)
        stack = ExitStack()
        try:
            seen = stack.enter_context(put_in_force(fault, self._context))
        except Exception as error:  # noqa: BLE001 - whatever it trips over, the verdict is unknown, the rest heals
            self._events.failed(fault.fault, key, "never took effect", error)
            return None
        self._in_force.append((ends_mono_s, occurrence, stack))
        self._events.in_force(fault.fault, key, seen)
        return stack

    def _heal_ended(self, by_mono_s: float) -> None:
        for ends_mono_s, occurrence, stack in list(self._in_force):
            if ends_mono_s <= by_mono_s:
                self._heal(occurrence, stack)

    def _heal(self, occurrence: FaultOccurrence, stack: ExitStack) -> None:
        self._in_force = [each for each in self._in_force if each[2] is not stack]
        try:
            stack.close()
        except Exception as error:  # noqa: BLE001 - as above
            self._events.failed(occurrence.fault.fault, occurrence.key, "was not healed", error)
            return
        self._events.healed(occurrence.fault.fault, occurrence.key)

    def _rules_are_replaced(self) -> None:
        if self._followed is not None:
            self._events.healed(DEPENDENCY_RULES, self._followed[0])
        self._followed = None


class _FaultEvents:
    """The four events of a fault, in the one shape that ``harness.store`` reads."""

    def __init__(self, folder: TrialFolder) -> None:
        self._folder = folder

    def requested(self, fault: str, key: str, settings: str) -> None:
        self._folder.event("fault_requested", fault=fault, key=key, settings=settings)

    def in_force(self, fault: str, key: str, seen: str) -> None:
        self._folder.event("fault_in_force", fault=fault, key=key, seen=seen)

    def healed(self, fault: str, key: str) -> None:
        self._folder.event("fault_healed", fault=fault, key=key)

    def failed(self, fault: str, key: str, what: str, error: Exception) -> None:
        why = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
        self._folder.event("fault_failed", fault=fault, key=key, what=what, why=why)
