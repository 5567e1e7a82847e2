"""Renders the verdict for a terminal: plain lines for logs and pipes, a Rich table for people who watch.

Used by ``harness.commands``, which prints what is returned here. Prints nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from harness.record import Verdict
from reports import wording
from reports.analysis.completeness import damaged, missing
from reports.tables.worker import unscaled_timers
from reports.verdict_words import WORDS, last_line, outcome, reason

if TYPE_CHECKING:
    from harness.record import CheckResult, Judgement, RunRecord

_STYLES = {Verdict.PASS: "bold green", Verdict.UNKNOWN: "bold yellow", Verdict.FAIL: "bold red"}
_WORD_WIDTH = max(len(word) for word in WORDS.values())


def verdict_lines(run: RunRecord, judgement: Judgement) -> tuple[str, ...]:
    """Return the verdict as plain lines, no colour and no box: each arm, its checks in columns, what is lacking, why.

    The very last line, ``VERDICT: …`` (``last_line``), is not among them: the command prints it after everything else.
    """
    lines: list[str] = []
    for trial in run.trials:
        lines += ["", f"{trial.role} arm: {outcome(trial, run.manifest)}", f"  {wording.enforcement(trial.limit)}"]
        lines += _check_lines([result for result in judgement.checks if result.arm == trial.arm])
    arms = {trial.arm for trial in run.trials}
    if stray := [result for result in judgement.checks if result.arm not in arms]:
        lines += ["", "arms without a trial"]
        lines += [f"{line}" for line in _check_lines(stray, named=True)]
    if lacking := [*missing(run, judgement), *damaged(run)]:
        lines += ["", "this record is not whole:", *(f"  {sentence}" for sentence in lacking)]
    if unscaled := unscaled_timers(run):
        lines += ["", "a timer was not scaled:", *(f"  {sentence}" for sentence in unscaled)]
    lines += ["", reason(run, judgement)]
    return tuple(_one_line(line) for line in lines)


def verdict_table(judgement: Judgement) -> Table:
    """Return the checks as a Rich table: measured beside threshold, for a terminal that is watched."""
    table = Table(
        title=last_line(judgement), title_style=_STYLES[judgement.verdict], title_justify="left", expand=False
    )
    for heading in ("Arm", "Check", "Verdict", "Measured", "Threshold", "Why"):
        table.add_column(heading, overflow="fold")
    for result in judgement.checks:
        verdict = Text(WORDS[result.verdict], style=_STYLES[result.verdict])
        cells = (result.measured, result.threshold, result.detail)
        table.add_row(Text(result.arm), Text(result.check), verdict, *(Text(_one_line(cell)) for cell in cells))
    return table


def _check_lines(results: list[CheckResult], *, named: bool = False) -> list[str]:
    """Return checks as aligned columns, each one's detail below it."""
    titles = [f"{result.arm}: {result.check}" if named else result.check for result in results]
    title_width = max((len(title) for title in titles), default=0)
    measured_width = max((len(result.measured) for result in results), default=0)
    lines: list[str] = []
    for title, result in zip(titles, results, strict=True):
        columns = (
            WORDS[result.verdict].ljust(_WORD_WIDTH),
            title.ljust(title_width),
            result.measured.ljust(measured_width),
        )
        lines.append(f"  {'  '.join(columns)}  wanted {result.threshold}")
        if result.detail and result.verdict is not Verdict.PASS:
            lines.append(f"  {'':{_WORD_WIDTH}}  {result.detail}")
    return lines


def _one_line(text: str) -> str:
    """Return the text without line breaks and control characters: what was recorded can't steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
