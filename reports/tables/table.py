"""Defines a table as plain text, which HTML, Markdown and the terminal each lay out in their own way.

Used by ``reports.pages.document`` and the builders of its tables. Holds no markup and escapes nothing: that is the
renderer's part.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and whether its cells are numbers (set flush right)."""

    heading: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of ready-to-print cells, one a column; the first names the row. ``key`` is unique in a document."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "Nothing was recorded."  # shown in place of a table without rows

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                msg = f"table {self.key!r}: a row has {len(row)} cells for {len(self.columns)} columns: {row!r}"
                raise ValueError(msg)


def columns(*headings: str) -> tuple[Column, ...]:
    """Return columns by heading; a heading that ends in ``#`` is a column of numbers, and the mark is dropped."""
    return tuple(Column(heading.removesuffix("#"), numeric=heading.endswith("#")) for heading in headings)
