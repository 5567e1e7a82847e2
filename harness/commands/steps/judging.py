"""Judges a run directory and writes what follows from it: verdict, reports, charts. Shared by the verbs.

Everything here is a function of the run directory: a stored run, even one that was cut off, is judged like a fresh one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.judging import judge
from harness.scenario import load_scenario
from harness.store import read_run, write_atomically
from reports.charts.all_charts import render_charts
from reports.for_machines.junit import render_junit
from reports.for_machines.verdict_json import render_verdict_json
from reports.pages.html_page import render_html
from reports.pages.markdown import render_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record import Judgement, RunRecord


def judged(path: Path) -> tuple[RunRecord, Judgement]:
    """Return the record of the run in ``path`` and its verdict, from what is stored there."""
    run = read_run(path)
    return run, judge(run, load_scenario(path / "scenario.json"))


def write_verdict(path: Path, run: RunRecord, judgement: Judgement) -> None:
    """Write verdict.json and junit.xml."""
    write_atomically(path / "verdict.json", render_verdict_json(run, judgement))
    write_atomically(path / "junit.xml", render_junit(run, judgement))


def write_report(path: Path, run: RunRecord, judgement: Judgement) -> Path:
    """Write the charts, report.md and report.html; return the path of the latter."""
    charts = render_charts(run, judgement)
    (path / "charts").mkdir(exist_ok=True)
    for name, picture in charts.items():
        if name.endswith(".png"):
            write_atomically(path / "charts" / name, picture)
    write_atomically(path / "report.md", render_markdown(run, judgement))
    page = path / "report.html"
    write_atomically(page, render_html(run, judgement, charts))
    return page
