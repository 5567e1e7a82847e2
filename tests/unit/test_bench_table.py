"""The table of the bench: what a person reads in a terminal, a pipe or a log."""

import pytest

from harness.bench.figure import Aim, BenchResult, Figure, alone, compared
from harness.bench.table import HEADER, machine_line, number, other_work_line, plain_table, rows

PUBLISHER = BenchResult(
    "publisher",
    30.0,
    (
        compared(
            "publishers", "MB/s", [310, 300, 320], [310, 400, 320], against="raw pika", aim=Aim("ratio", ">=", 0.9)
        ),
    ),
)
MISSED = BenchResult("sampler", 5.0, (alone("memory probe", "% of one core", [2.5], aim=Aim("value", "<=", 2.0)),))
BROKEN = BenchResult("proxy", 1.0, error="the embedded proxy ended with status 1\nits log ends: …", exit_code=4)


def test_the_table_is_aligned_text_with_units_spread_and_aims() -> None:
    """Guarantees the whole text, to the blank: columns aligned, numbers to the right, no blank at a line's end."""
    header, rule, publisher, sampler = plain_table([PUBLISHER, MISSED]).splitlines()

    assert header == (
        "benchmark  figure                  measured  against                            ratio  "
        "aim                met  note"
    )
    assert [len(dashes) for dashes in rule.split()] == [9, 12, 18, 28, 10, 17, 3, 4]
    assert set(rule) == {"-", " "}
    assert publisher == (
        "publisher  publishers    310 MB/s (300–320)  raw pika: 320 MB/s (310–400)  1 (0.75–1)  ratio ≥ 0.9        yes"
    )
    assert sampler == (
        "sampler    memory probe   2.5 % of one core                                            ≤ 2 % of one core  NO"
    )


def test_a_broken_benchmark_has_a_row_with_its_first_sentence() -> None:
    """Guarantees that what broke is in the table, without the log that came with it."""
    (row,) = rows([BROKEN])

    assert row[:2] == ("proxy", "BROKEN")
    assert row[-1] == "the embedded proxy ended with status 1"


def test_a_figure_without_a_value_says_why() -> None:
    """Guarantees that "not measured" stands where the number would, and the reason in the note."""
    figure = Figure("burst to first OOM kill", "s", None, aim=Aim("ratio", "<=", 1.5), note="no OOM kill was recorded")
    (row,) = rows([BenchResult("burst_to_kill", 60.0, (figure,))])
    cells = dict(zip(HEADER, row, strict=True))

    assert cells["measured"] == "not measured"
    assert cells["met"] == "–"
    assert cells["note"] == "no OOM kill was recorded"


@pytest.mark.parametrize(
    ("value", "text"),
    [(2310.4, "2310"), (321.4, "321"), (48.25, "48.2"), (1.5, "1.5"), (0.0123, "0.012"), (0.0, "0"), (99.96, "100")],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    """Guarantees that no figure pretends to a precision it does not have, and none is written in powers of ten."""
    assert number(value) == text


def test_other_work_is_said_and_a_busy_machine_is_called_one() -> None:
    """Guarantees that figures of a starved benchmark are not read as the harness's own."""
    quiet, busy = BenchResult("proxy", 1.0, others_cpu_share=0.02), BenchResult("sampler", 1.0, others_cpu_share=0.52)

    assert other_work_line([quiet]) == "other work took of all cores: proxy 2%"
    assert other_work_line([quiet, busy]) == (
        "other work took of all cores: proxy 2%, sampler 52%; the machine was busy, so the figures are not the "
        "harness's own: repeat on an idle one"
    )


def test_the_machine_is_said_in_one_line() -> None:
    """Guarantees that figures never stand without what they were measured on."""
    assert machine_line({"cores": "2", "memory": "24 GiB"}) == "cores 2; memory 24 GiB"
