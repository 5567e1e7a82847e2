"""``harness check RUN``: judge a stored run again, finished or not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.steps import options
from harness.commands.steps.judging import judged, write_verdict
from harness.commands.steps.output import results
from harness.commands.steps.playing import print_verdict
from reports.for_machines.verdict_json import render_verdict_json

RunPath = Annotated[Path, typer.Argument(help="A run directory.")]


def check(run: RunPath = Path("runs/latest"), as_json: options.Json = False) -> int:
    """Judge a stored run again, also one that was cut off, and write verdict.json and junit.xml. Starts nothing.

    \b
    Examples:
      harness check
      harness check runs/20260101T114204Z-incident_1142-4c1f --json
    """
    record, judgement = judged(run)
    write_verdict(run, record, judgement)
    if as_json:
        results().print(render_verdict_json(record, judgement), markup=False)
    else:
        print_verdict(record, judgement, run / "report.html")
    return judgement.verdict.exit_code
