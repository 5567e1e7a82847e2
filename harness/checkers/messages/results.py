"""Is the result that the worker recorded for each message right, by its value?

The value is the worker's own word, from its store. What is right is a range that the scenario names, worked out from
the messages; and different messages have different results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from harness.checkers.check import Check
from harness.fields.strict import Number, Strict, Whole
from harness.ledger import OutcomeKind, outcome_of
from harness.record import Verdict

if TYPE_CHECKING:
    from harness.checkers.case import Case
    from harness.record import CheckResult

_SHOWN_MAX = 3


class Results(Strict):
    """Every message that was processed has a result on record, from ``at_least`` to ``at_most``.

    There are at least ``different_at_least`` different values among at least ``messages_at_least`` messages.
    """

    at_least: Number
    at_most: Number
    different_at_least: Annotated[Whole, Field(ge=1)] = 1
    messages_at_least: Annotated[Whole, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.at_least > self.at_most:
            raise ValueError(f"at_least is {self.at_least:g} and at_most {self.at_most:g}; write the lower one first")
        return self


def check(case: Case, expected: Results) -> CheckResult:
    """Pass where every processed message has a result in the range; unknown where the store was not read."""
    threshold = (
        f"at least {expected.messages_at_least} results from {expected.at_least:g} to {expected.at_most:g},"
        f" {expected.different_at_least} or more different ones"
    )
    if not case.trial.outcomes:
        return case.result(RESULTS.name, Verdict.UNKNOWN, "the store was not read", threshold)
    processed = [row for row in case.trial.outcomes if outcome_of(row) is OutcomeKind.PROCESSED]
    values = [row.result for row in processed if row.result is not None]
    span = f" from {min(values):g} to {max(values):g}, {len(set(values))} different ones" if values else ""
    measured = f"{len(values)} results of {len(processed)} messages processed{span}"
    wrong = [row for row in processed if not _is_right(row.result, expected)]
    if wrong:
        shown = ", ".join(f"{row.message_id} {row.result}" for row in wrong[:_SHOWN_MAX])
        return case.result(RESULTS.name, case.missed, measured, threshold, f"{len(wrong)} are wrong, first: {shown}.")
    if len(values) < expected.messages_at_least:
        return case.result(RESULTS.name, case.missed, measured, threshold, "Too few messages were processed.")
    verdict = Verdict.PASS if len(set(values)) >= expected.different_at_least else case.missed
    return case.result(RESULTS.name, verdict, measured, threshold)


def _is_right(result: float | None, expected: Results) -> bool:
    return result is not None and expected.at_least <= result <= expected.at_most


RESULTS = Check("results recorded", check, Results, key="results", needs_drain=True, small_without=("results",))
