"""``harness report RUN``: write the report of a stored run again, finished or not."""

from __future__ import annotations

from pathlib import Path

from harness.commands.check import RunPath
from harness.commands.steps.judging import judged, write_report, write_verdict
from harness.commands.steps.output import results


def report(run: RunPath = Path("runs/latest")) -> int:
    """Write report.html, report.md, charts, junit.xml and verdict.json of a stored run, also of one that was cut off.

    Exits 0 when the report was written, whatever the verdict in it.

    \b
    Examples:
      harness report
      harness report runs/20260101T114204Z-incident_1142-4c1f
    """
    record, judgement = judged(run)
    write_verdict(run, record, judgement)
    page = write_report(run, record, judgement)
    results().print(f"report: {page}\nVERDICT: {judgement.verdict.value}", markup=False)
    return 0
