"""The base of every model in a scenario file, and the annotated types of its fields.

Used by every model of a scenario file. Unknown fields are refused, values are frozen and never coerced (``"3"`` is no
number), and a quantity is written with its unit, in a file as in the JSON that a run stores: what ``model_dump_json``
gives is a scenario file again. It knows no field of a scenario.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from harness.clock import format_time_of_day
from harness.fields import quantities


class Strict(BaseModel):
    """A part of a scenario: frozen, and an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def decimal(number: float) -> str:
    """Return a number to its last digit and without exponent, as the parsers of quantities read it."""
    return format(Decimal(repr(number)), "f")


def _with_unit(unit: str) -> PlainSerializer:
    return PlainSerializer(lambda number: f"{decimal(number)}{unit}", return_type=str, when_used="json")


Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]  # a whole number is one too
DurationS = Annotated[float, BeforeValidator(quantities.parse_duration_s), _with_unit("s")]
SizeBytes = Annotated[int, BeforeValidator(quantities.parse_bytes), _with_unit(" B")]
RatePerS = Annotated[float, BeforeValidator(quantities.parse_rate_per_s), _with_unit("/s")]
Fraction = Annotated[float, BeforeValidator(quantities.parse_fraction)]
TimeOfDayS = Annotated[
    float,
    BeforeValidator(quantities.parse_time_of_day_s),
    PlainSerializer(format_time_of_day, return_type=str, when_used="json"),
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]  # it becomes part of folder, queue and cgroup names
