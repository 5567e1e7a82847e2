"""Renders ``gate.md``: a gate's result as the body of a pull request's comment, and as a job summary.

GitHub takes 65,536 characters in a comment and 1 MiB in a summary; the text stays below the smaller of the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import Verdict
from reports.pages.markdown import escaped
from reports.text import gate as wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.record.gate import GateReport

CHARACTERS_MAX = 60_000
_PROBLEMS_MAX = 10
_MARKS = {Verdict.PASS: "✅ pass", Verdict.FAIL: "❌ fail", Verdict.UNKNOWN: "⚠️ unknown"}


def render_gate_markdown(report: GateReport) -> str:
    """Return the text. Every recorded word is escaped: a command line can't become markup."""
    text = "\n\n".join(_blocks(report)) + "\n"
    if len(text) <= CHARACTERS_MAX:
        return text
    return text[: CHARACTERS_MAX - 100].rsplit("\n", 1)[0] + "\n\n*Cut short; gate.json has all of it.*\n"


def _blocks(report: GateReport) -> Iterator[str]:
    yield f"## Memory of the worker: {_MARKS[report.verdict]}"
    yield f"**{escaped(wording.headline(report))}**"
    yield f"A: {escaped(report.baseline)}. B: {escaped(report.candidate)}. Scenario {escaped(report.scenario)}."
    yield _metrics(report)
    if report.sites_note:
        yield "\n".join([escaped(report.sites_note), "", *(f"- {escaped(site)}" for site in report.sites)]).rstrip()
    if report.problems:
        shown = report.problems[:_PROBLEMS_MAX]
        more = len(report.problems) - len(shown)
        yield "\n".join([*(f"- {escaped(each)}" for each in shown), *([f"- and {more} more"] if more else [])])
    yield escaped(report.why_repeats) + "."
    yield _repeats(report)
    machine = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    yield f"Measured on: {escaped(machine)}. Run {escaped(report.run_id)}."


def _metrics(report: GateReport) -> str:
    rows = ["| | A | B | change (99 % interval) | let pass | |", "|---|---:|---:|---:|---:|---|"]
    for each in report.comparisons:
        cells = [
            wording.NAMES[each.metric],
            wording.value(each.baseline, each),
            wording.value(each.candidate, each),
            wording.change(each),
            wording.rule(each),
            _MARKS[each.verdict],
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _repeats(report: GateReport) -> str:
    """Return every repeat's values, folded away."""
    names = list(dict.fromkeys(name for repeat in report.repeats for name in repeat.figures))
    rows = [f"| build | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for repeat in report.repeats:
        cells = [f"{repeat.figures[name]:.2f}" if name in repeat.figures else "–" for name in names]
        rows.append(f"| {repeat.build} | {' | '.join(cells)} |")
    table = "\n".join(rows)
    return f"<details><summary>every repeat</summary>\n\n{table}\n\n</details>"
