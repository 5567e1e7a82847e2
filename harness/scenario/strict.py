"""Hands on ``harness.fields.strict``, for modules that still import it from here. It has nothing of its own."""

from harness.fields.strict import (
    DurationS,
    Fraction,
    Name,
    Number,
    RatePerS,
    SizeBytes,
    Strict,
    TimeOfDayS,
    Whole,
    decimal,
)

__all__ = [
    "DurationS",
    "Fraction",
    "Name",
    "Number",
    "RatePerS",
    "SizeBytes",
    "Strict",
    "TimeOfDayS",
    "Whole",
    "decimal",
]
