"""Quantities as a scenario file writes them, turned into plain numbers: ``60s``, ``3000 MiB``, ``99%``, ``11:42:04``.

Used by ``harness.fields.strict``, whose annotated types are the fields of every model. Each parser takes what YAML
gave and raises ValueError with the value and the accepted forms; it never guesses a unit.
"""

from __future__ import annotations

import re
from reprlib import repr as shown

QUANTITY_MAX = 1e15  # in seconds, bytes or events a second: nobody means more, and every result stays an exact number
_DURATION_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_SIZE_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_PER_S = {"/s": 1.0, "/min": 1 / 60.0, "/h": 1 / 3600.0}
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


def parse_duration_s(value: object) -> float:
    """``"60s"``, ``"15m"``, ``"6h"``, ``"250ms"`` → seconds. A bare number is refused: a duration has a unit."""
    return _parsed(value, _DURATION_S, "a duration; write a number with its unit: 250ms, 60s, 15m, 6h")


def parse_bytes(value: object) -> int:
    """``"3000 MiB"``, ``"2.9 MB"``, ``"100 kB"`` → whole bytes."""
    return round(_parsed(value, _SIZE_BYTES, "a size; write a number with its unit: 100 kB, 3 MB, 3000 MiB"))


def parse_rate_per_s(value: object) -> float:
    """``"20/min"``, ``"0.5/s"`` → events per second of incident time."""
    return _parsed(value, _PER_S, "a rate; write a number per unit of time: 20/min, 0.5/s")


def parse_fraction(value: object) -> float:
    """``"99%"`` or ``0.99`` → 0.99. Must lie in 0..1."""
    share: float | None = None
    if isinstance(value, str) and (match := re.fullmatch(_NUMBER + r"\s*%", value.strip())):
        share = float(match[1]) / 100
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = value
    if share is None or not 0 <= share <= 1:
        raise ValueError(f"{shown(value)} is not a share; write 99% or a number from 0 to 1")
    return float(share)


def parse_time_of_day_s(value: object) -> float:
    """``"11:42:04"`` → seconds since midnight."""
    match = _TIME_OF_DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{shown(value)} is not a time of day; write HH:MM:SS, as in 11:42:04")
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0 + int(match[3] or 0)


def _parsed(value: object, units: dict[str, float], form: str) -> float:
    """Return the number in ``value`` times its unit; ``form`` says what would be right."""
    alternatives = "|".join(re.escape(unit) for unit in units)
    text = re.sub(r"\s*/\s*", "/", value.strip()) if isinstance(value, str) else ""
    match = re.fullmatch(rf"{_NUMBER}\s*({alternatives})", text)
    if match is None:
        raise ValueError(f"{shown(value)} is not {form}")
    quantity = float(match[1]) * units[match[2]]
    if quantity > QUANTITY_MAX:
        raise ValueError(f"{shown(value)} is too much: {quantity:g} is above {QUANTITY_MAX:g}")
    return quantity
