"""Quantities: each accepted form means one number, and everything else is refused with the value and the right form."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fields import quantities
from harness.fields.strict import decimal

GOOD = [
    (quantities.parse_duration_s, "250ms", 0.25),
    (quantities.parse_duration_s, "60s", 60.0),
    (quantities.parse_duration_s, " 60 s ", 60.0),
    (quantities.parse_duration_s, "15m", 900.0),
    (quantities.parse_duration_s, "15min", 900.0),
    (quantities.parse_duration_s, "0.5h", 1800.0),
    (quantities.parse_duration_s, "0s", 0.0),
    (quantities.parse_bytes, "17 B", 17),
    (quantities.parse_bytes, "100kB", 100_000),
    (quantities.parse_bytes, "2.9 MB", 2_900_000),
    (quantities.parse_bytes, "0.29 MB", 290_000),
    (quantities.parse_bytes, "1.001 kB", 1_001),
    (quantities.parse_bytes, "3000 MiB", 3000 * 2**20),
    (quantities.parse_bytes, "1 KiB", 1024),
    (quantities.parse_bytes, "2 GiB", 2**31),
    (quantities.parse_bytes, "1 GB", 10**9),
    (quantities.parse_rate_per_s, "20/min", 1 / 3),
    (quantities.parse_rate_per_s, "0.5 / s", 0.5),
    (quantities.parse_rate_per_s, "36/h", 0.01),
    (quantities.parse_fraction, "99%", 0.99),
    (quantities.parse_fraction, "12.5 %", 0.125),
    (quantities.parse_fraction, 0.99, 0.99),
    (quantities.parse_fraction, 1, 1.0),
    (quantities.parse_fraction, 0, 0.0),
    (quantities.parse_time_of_day_s, "11:42:04", 42_124.0),
    (quantities.parse_time_of_day_s, "9:05", 32_700.0),
    (quantities.parse_time_of_day_s, "00:00:00", 0.0),
    (quantities.parse_time_of_day_s, "23:59:59", 86_399.0),
]
BAD = [
    (quantities.parse_duration_s, "60", "is not a duration; write a number with its unit"),
    (quantities.parse_duration_s, 60, "is not a duration"),
    (quantities.parse_duration_s, True, "is not a duration"),
    (quantities.parse_duration_s, None, "is not a duration"),
    (quantities.parse_duration_s, "-5s", "is not a duration"),
    (quantities.parse_duration_s, "5 weeks", "is not a duration"),
    (quantities.parse_duration_s, "1e3s", "is not a duration"),
    (quantities.parse_duration_s, "", "is not a duration"),
    (quantities.parse_duration_s, "9" * 400 + "s", "is too much"),
    (quantities.parse_bytes, "3000", "is not a size; write a number with its unit"),
    (quantities.parse_bytes, 3_000_000, "is not a size"),
    (quantities.parse_bytes, "3 mb", "is not a size"),
    (quantities.parse_bytes, "3 MiB/s", "is not a size"),
    (quantities.parse_bytes, "2000000 GB", "is too much"),
    (quantities.parse_rate_per_s, "20", "is not a rate; write a number per unit of time"),
    (quantities.parse_rate_per_s, "20/day", "is not a rate"),
    (quantities.parse_rate_per_s, ["20/min"], "is not a rate"),
    (quantities.parse_rate_per_s, "9" * 400 + "/s", "is too much"),
    (quantities.parse_fraction, "101%", "is not a share; write 99%"),
    (quantities.parse_fraction, 1.01, "is not a share"),
    (quantities.parse_fraction, -0.01, "is not a share"),
    (quantities.parse_fraction, float("nan"), "is not a share"),
    (quantities.parse_fraction, float("inf"), "is not a share"),
    (quantities.parse_fraction, 10**400, "is not a share"),
    (quantities.parse_fraction, True, "is not a share"),
    (quantities.parse_fraction, "0.99", "is not a share"),
    (quantities.parse_time_of_day_s, "24:00:00", "is not a time of day; write HH:MM:SS"),
    (quantities.parse_time_of_day_s, "11:60", "is not a time of day"),
    (quantities.parse_time_of_day_s, "11:42:4", "is not a time of day"),
    (quantities.parse_time_of_day_s, "11:42:04.5", "is not a time of day"),
    (quantities.parse_time_of_day_s, 42_124, "is not a time of day"),
    (quantities.parse_time_of_day_s, "١١:٤٢", "is not a time of day"),
]


@pytest.mark.parametrize(("parse", "value", "number"), GOOD)
def test_a_quantity_with_its_unit_is_one_number(parse: object, value: object, number: float) -> None:
    """Guarantees what each unit is worth, to the last digit for bytes."""
    assert callable(parse)
    assert parse(value) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize(("parse", "value", "complaint"), BAD)
def test_anything_else_is_refused_with_the_value_and_the_right_form(
    parse: object, value: object, complaint: str
) -> None:
    """Guarantees that nothing is guessed: no unit, a wrong unit, a wrong type or an impossible number is an error."""
    assert callable(parse)
    with pytest.raises(ValueError, match=complaint) as error:
        parse(value)
    assert str(value)[:5] in str(error.value)


def test_bytes_are_whole_numbers() -> None:
    """Guarantees that sizes are ints: limits are written into kernel files."""
    assert isinstance(quantities.parse_bytes("2.5 KiB"), int)


@given(st.floats(min_value=0, max_value=quantities.QUANTITY_MAX, allow_nan=False))
def test_a_number_written_down_is_read_back_to_the_last_digit(number: float) -> None:
    """Guarantees that the JSON of a run says exactly what was played, tiny and huge numbers included."""
    assert quantities.parse_duration_s(f"{decimal(number)}s") == number
    assert quantities.parse_rate_per_s(f"{decimal(number)}/s") == number


@given(st.text())
def test_no_text_makes_a_parser_fail_in_any_other_way(text: str) -> None:
    """Guarantees that whatever stands in a file ends in a number or in a ValueError."""
    for parse in (
        quantities.parse_duration_s,
        quantities.parse_bytes,
        quantities.parse_rate_per_s,
        quantities.parse_fraction,
        quantities.parse_time_of_day_s,
    ):
        with contextlib.suppress(ValueError):
            assert parse(text) >= 0
