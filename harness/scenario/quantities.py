"""Hands on ``harness.fields.quantities``, for modules that still import it from here. It has nothing of its own."""

from harness.fields.quantities import (
    parse_bytes,
    parse_duration_s,
    parse_fraction,
    parse_rate_per_s,
    parse_time_of_day_s,
)

__all__ = ["parse_bytes", "parse_duration_s", "parse_fraction", "parse_rate_per_s", "parse_time_of_day_s"]
