"""The matrix of scenarios and arms: what was expected of each arm, what came of it, and one figure that says so."""

from __future__ import annotations

from dataclasses import dataclass

from harness.record.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One arm of one scenario."""

    arm: str
    role: str
    expected: str  # the names of the checks that the scenario asks for: "killed by the kernel, effective prefetch"
    verdict: Verdict
    figure: str  # what the first of them measured; of a cell that is not green, what the worst one measured
    confirmed: int  # messages that the broker confirmed
    lost: int | None  # None: the record does not say
    duplicated: int | None  # side effects that happened twice


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One scenario."""

    scenario: str
    claim: str
    run: str  # the run directory, relative to the matrix folder; "" when it was not played
    cells: tuple[MatrixCell, ...]
    problem: str = ""  # why there are no cells

    @property
    def verdict(self) -> Verdict:
        """The worst of its cells; unknown where it was not played."""
        return Verdict.worst(cell.verdict for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rows, in the order in which they were asked for."""

    rows: tuple[MatrixRow, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its rows."""
        return Verdict.worst(row.verdict for row in self.rows)

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm that some row has, in the order of their first appearance."""
        return tuple(dict.fromkeys(cell.arm for row in self.rows for cell in row.cells))

    def cells_of(self, role: str) -> tuple[MatrixCell, ...]:
        """Return all cells of one role."""
        return tuple(cell for row in self.rows for cell in row.cells if cell.role == role)
