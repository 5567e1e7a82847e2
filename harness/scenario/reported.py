"""What the incident report says: its minute table and its before/after table, to stand beside what is measured.

Used by ``harness.scenario.model``; ``harness.judging`` measures the counterparts. Nothing here is a measurement.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import model_validator

from harness.fields.strict import Name, SizeBytes, Strict, TimeOfDayS


class ReportedPointModel(Strict):
    """One line of the report's minute table."""

    at: TimeOfDayS
    memory_min: SizeBytes
    memory_max: SizeBytes
    queue: str = ""
    exceptions: str = ""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not 0 < self.memory_min <= self.memory_max:
            raise ValueError("memory needs 0 < memory_min <= memory_max")
        return self


class ReportedMetricModel(Strict):
    """One line of the report's before/after table.

    ``measure`` names what answers it: one of the incident's, which ``harness.scenario.model`` checks.
    """

    metric: str
    before: str
    after: str
    measure: Name


class Reported(Strict):
    """What the incident report says. The last point of the minute table is the kill itself."""

    points: tuple[ReportedPointModel, ...] = ()
    metrics: tuple[ReportedMetricModel, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for earlier, later in pairwise(self.points):
            if later.at <= earlier.at:
                raise ValueError("the points must be in the order of their times, each later than the one before")
        return self
