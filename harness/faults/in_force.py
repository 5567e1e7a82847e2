"""The faults of a trial as they come and go: applied when due, healed when due, each with its fault events.

Used by ``timeline``. A fault event is an event: ``fault_requested``, ``fault_in_force`` once the effect was seen, and
``fault_healed`` once that was seen too; ``fault_failed`` says what went wrong instead. A fault that fails does not end
the trial: the checker makes it unknown. Left, for whatever reason, nothing is in force any more.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from harness.errors import HarnessError
from harness.faults.registry import put_in_force

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from harness.faults.context import FaultContext
    from harness.scenario import FaultOccurrence
    from harness.store import TrialFolder

_TIMES = {"fault", "at", "after", "rate", "over", "for_"}


class FaultsInForce:
    """A context manager over a whole timeline. ``begin`` hands it a phase's faults, ``act`` does what is due."""

    def __init__(self, context: FaultContext, folder: TrialFolder) -> None:
        self._context = context
        self._folder = folder
        self._due: list[tuple[float, float, FaultOccurrence]] = []  # begins, ends, by the monotonic clock
        self._in_force: list[tuple[float, FaultOccurrence, ExitStack]] = []

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
        """Heal all that is in force, the latest first; what was still to come, does not come any more."""
        self._due = []
        for _, occurrence, stack in reversed(self._in_force.copy()):
            self._heal(occurrence, stack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _apply(self, occurrence: FaultOccurrence, ends_mono_s: float) -> ExitStack | None:
        """Put one fault in force; None where that failed."""
        name = occurrence.fault.fault
        self._folder.event("fault_requested", fault=name, key=occurrence.key, settings=_settings(occurrence))
        stack = ExitStack()
        try:
            seen = stack.enter_context(put_in_force(occurrence.fault, self._context))
        except Exception as error:  # noqa: BLE001 - whatever it trips over, the verdict is unknown, the rest heals
            self._failed(occurrence, "never took effect", error)
            return None
        self._in_force.append((ends_mono_s, occurrence, stack))
        self._folder.event("fault_in_force", fault=name, key=occurrence.key, seen=seen)
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
            self._failed(occurrence, "was not healed", error)
            return
        self._folder.event("fault_healed", fault=occurrence.fault.fault, key=occurrence.key)

    def _failed(self, occurrence: FaultOccurrence, what: str, error: Exception) -> None:
        why = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
        self._folder.event("fault_failed", fault=occurrence.fault.fault, key=occurrence.key, what=what, why=why)


def _settings(occurrence: FaultOccurrence) -> str:
    """Return what the scenario says of a fault, beside its name and its times, for people."""
    given = occurrence.fault.model_dump(mode="json", by_alias=True, exclude=_TIMES, exclude_none=True)
    return ", ".join(f"{name} {value}" for name, value in given.items())
