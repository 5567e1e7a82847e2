"""Renders the matrix of scenarios and arms as ``matrix.html``, ``matrix.md`` and plain lines.

Used by ``harness.commands.verify``. Judges nothing: a surprise is a cell that is not PASS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict
from reports.pages.markdown import markdown_table
from reports.pages.templates import environment
from reports.tables.table import Table, columns
from reports.verdict_words import WORDS

if TYPE_CHECKING:
    from harness.record import Matrix, MatrixCell, MatrixRow

_NOT_PLAYED = "not played"


def render_matrix_html(matrix: Matrix) -> str:
    """Return the page: one file that makes no request, as ``report.html``."""
    return (
        environment()
        .get_template("matrix.html.j2")
        .render(
            matrix=matrix,
            verdict=matrix.verdict.value,
            word=WORDS[matrix.verdict],
            sentence=sentence(matrix),
            totals=totals(matrix),
            overview=overview_table(matrix),
            rows=[(row, WORDS[row.verdict], cell_table(row)) for row in matrix.rows],
        )
    )


def render_matrix_markdown(matrix: Matrix) -> str:
    """Return the matrix in GitHub's Markdown: totals, overview, then scenario by scenario."""
    blocks = [f"# {WORDS[matrix.verdict]}: {len(matrix.rows)} scenarios", sentence(matrix), totals(matrix)]
    blocks.append(markdown_table(overview_table(matrix)))
    for row in matrix.rows:
        blocks += [f"## {row.scenario}", row.claim, markdown_table(cell_table(row))]
    return "\n\n".join(blocks) + "\n"


def matrix_lines(row: MatrixRow) -> tuple[str, ...]:
    """Return one row as plain lines for a terminal or a log: an arm a line."""
    if not row.cells:
        return (f"{WORDS[Verdict.UNKNOWN]:<7} {row.scenario}: {row.problem or _NOT_PLAYED}",)
    names = max(len(cell.arm) for cell in row.cells)
    return tuple(
        f"{WORDS[cell.verdict]:<7} {row.scenario:<32} {cell.arm:<{names}}  expected {cell.expected}: {cell.figure}"
        for cell in row.cells
    )


def sentence(matrix: Matrix) -> str:
    """Return in a sentence whether there was a surprise, and where."""
    cells = [(row, cell) for row in matrix.rows for cell in row.cells]
    surprises = [f"{row.scenario}/{cell.arm}" for row, cell in cells if cell.verdict is not Verdict.PASS]
    surprises += [row.scenario for row in matrix.rows if not row.cells]
    if not surprises:
        return f"All {len(cells)} arms of {len(matrix.rows)} scenarios did what was expected of them."
    return f"{len(surprises)} of {len(cells)} arms surprised: {', '.join(surprises)}."


def totals(matrix: Matrix) -> str:
    """Return what became of all messages in the arms that have to hold."""
    cells = matrix.cells_of("after")
    confirmed = sum(cell.confirmed for cell in cells)
    lost = sum(cell.lost or 0 for cell in cells)
    duplicated = sum(cell.duplicated or 0 for cell in cells)
    without = sum(cell.lost is None for cell in cells)
    words = f"{confirmed:,} messages confirmed, {lost} lost, {duplicated} side effects duplicated in the fixed arms"
    return f"{words}; {without} arms have no ledger." if without else f"{words}."


def overview_table(matrix: Matrix) -> Table:
    """Return scenario by arm: a verdict and a figure in each cell."""
    rows = tuple((row.scenario, *(_cell(row, arm) for arm in matrix.arms)) for row in matrix.rows)
    return Table("overview", "What came of each arm", columns("Scenario", *matrix.arms), rows)


def cell_table(row: MatrixRow) -> Table:
    """Return one scenario: an arm a row, what was expected beside what came of it."""
    rows = tuple((cell.arm, cell.expected, WORDS[cell.verdict], cell.figure) for cell in row.cells)
    caption = f"{row.scenario}: expected and measured"
    return Table(f"row-{row.scenario}", caption, columns("Arm", "Expected", "Verdict", "Measured"), rows, row.problem)


def _cell(row: MatrixRow, arm: str) -> str:
    found: list[MatrixCell] = [cell for cell in row.cells if cell.arm == arm]
    if not row.cells:
        return _NOT_PLAYED
    return f"{WORDS[found[0].verdict]}: {found[0].figure}" if found else "–"
