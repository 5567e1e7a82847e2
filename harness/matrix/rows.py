"""From one judged run to its row of the matrix. A pure function; reads and plays nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checkers.ends.incarnations import ONE
from harness.checkers.ends.kills import SURVIVED
from harness.checkers.registry import preconditions
from harness.judging.judge import PLAYED
from harness.record import MatrixCell, MatrixRow, Verdict

if TYPE_CHECKING:
    from harness.record import CheckResult, Judgement, RunRecord
    from harness.scenario import Scenario

# Nearly every arm is expected to live: that says little of what a scenario claims.
_EVERYWHERE = frozenset({SURVIVED.name, ONE.name})


def row_of(run: RunRecord, judgement: Judgement, scenario: Scenario, where: str) -> MatrixRow:
    """Return the row of ``run``, which lies in ``where``."""
    cells = tuple(_cell(arm, judgement, scenario) for arm in scenario.arms)
    return MatrixRow(run.manifest.scenario, run.manifest.claim, where, cells)


def _cell(arm: str, judgement: Judgement, scenario: Scenario) -> MatrixCell:
    results = [result for result in judgement.checks if result.arm == arm]
    made_anyway = {PLAYED, *(check.name for check in preconditions())}
    expected = [result for result in results if result.check not in made_anyway]
    figures = judgement.metrics
    return MatrixCell(
        arm=arm,
        role=scenario.arms[arm].role,
        expected=", ".join(result.check for result in expected) or "nothing",
        verdict=Verdict.worst(result.verdict for result in results),
        figure=_figure(results, expected),
        confirmed=int(figures.get(f"{arm}.confirmed", 0)),
        lost=_count(figures.get(f"{arm}.lost")),
        duplicated=_count(figures.get(f"{arm}.duplicated")),
    )


def _figure(results: list[CheckResult], expected: list[CheckResult]) -> str:
    """Return what the first expectation of its own measured; where not all is well, what stands in its way."""
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN):
        for result in results:
            if result.verdict is verdict:
                return f"{result.check}: {result.measured}"
    own = [result for result in expected if result.check not in _EVERYWHERE] or expected
    return own[0].measured if own else ""


def _count(figure: float | None) -> int | None:
    return None if figure is None else int(figure)
