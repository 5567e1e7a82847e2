"""Bench results as a table: cells for whoever draws one, and plain aligned text for a pipe, a log or a file.

Pure; prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.bench.figure import Aim, BenchResult, Figure, Spread

HEADER = ("benchmark", "figure", "measured", "against", "ratio", "aim", "met", "note")
_RELATIONS = {"<=": "≤", ">=": "≥", "<": "<"}
_MET = {True: "yes", False: "NO", None: "–"}
_NUMBERS = frozenset({"measured", "ratio"})  # aligned to the right
_GAP = "  "
OTHERS_SHARE_MAX = 0.1  # a tenth of the cores is less than the spread between repeats
_BUSY = "the machine was busy, so the figures are not the harness's own: repeat on an idle one"


def rows(results: Sequence[BenchResult]) -> tuple[tuple[str, ...], ...]:
    """Return one row of ``HEADER``'s cells for each figure, and one for each benchmark that broke."""
    table: list[tuple[str, ...]] = []
    for result in results:
        table += [_row(result.name, figure) for figure in result.figures]
        if result.error is not None:
            table.append((result.name, "BROKEN", "", "", "", "", _MET[None], result.error.splitlines()[0]))
    return tuple(table)


def plain_table(results: Sequence[BenchResult]) -> str:
    """Return the rows below their header, columns aligned, no line with blanks at its end."""
    table = [HEADER, *rows(results)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADER))]
    table.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_line(row, widths) for row in table)


def machine_line(machine: Mapping[str, str]) -> str:
    """Return what the figures were measured on, in one line."""
    return "; ".join(f"{name} {fact}" for name, fact in machine.items())


def other_work_line(results: Sequence[BenchResult]) -> str:
    """Return how much of the cores other work took during each benchmark, and what follows where it was much."""
    shares = ", ".join(f"{result.name} {result.others_cpu_share:.0%}" for result in results)
    is_busy = any(result.others_cpu_share > OTHERS_SHARE_MAX for result in results)
    return f"other work took of all cores: {shares}" + (f"; {_BUSY}" if is_busy else "")


def quantity(spread: Spread, unit: str = "") -> str:
    """Return ``321 MB/s (300–340)``, the median and the spread; a single measurement has no spread."""
    between = "" if spread.repeats == 1 else f" ({number(spread.low)}–{number(spread.high)})"
    return f"{number(spread.median)}{' ' if unit else ''}{unit}{between}"


def number(value: float) -> str:
    """Return ``value`` with three significant digits, and never in powers of ten: 0.0123, 1.5, 48, 2310."""
    digits = 3 - len(str(int(abs(value)))) if abs(value) >= 1 else 3
    text = f"{value:.{max(0, digits)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def aim_text(aim: Aim, unit: str) -> str:
    """Return the aim for people: ``ratio ≤ 1.5``, ``< 200 MiB``."""
    relation = f"{_RELATIONS[aim.relation]} {number(aim.bound)}"
    return f"ratio {relation}" if aim.of == "ratio" else f"{relation} {unit}"


def _row(name: str, figure: Figure) -> tuple[str, ...]:
    baseline = f"{figure.against}: {quantity(figure.baseline, figure.unit)}" if figure.baseline else ""
    return (
        name,
        figure.name,
        quantity(figure.value, figure.unit) if figure.value else "not measured",
        baseline,
        quantity(figure.ratio) if figure.ratio else "",
        aim_text(figure.aim, figure.unit) if figure.aim else "",
        _MET[figure.met],
        figure.note,
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
        for name, cell, width in zip(HEADER, row, widths, strict=True)
    )
    return _GAP.join(cells).rstrip()
