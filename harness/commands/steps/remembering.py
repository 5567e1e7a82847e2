"""Adds what a run or a gate came to to the history beside the run directories. Used by the verbs that play.

A history that can't be written is reported as an error and changes no verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.commands.steps.output import say_error
from harness.errors import RunDirectoryError
from harness.gate.baseline import facts
from harness.machine import package_versions
from harness.record import Verdict
from harness.record.gate import CANDIDATE
from harness.record.history import HistoryRow
from harness.store import run_history

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.record import Judgement, RunRecord
    from harness.record.gate import GateReport

_DIRTY = "+changes"


def remember_run(runs_dir: Path, run: RunRecord, judgement: Judgement) -> None:
    """Append a row for each arm that was judged."""
    commit = run.manifest.versions.get("harness", "unknown")
    rows = [
        HistoryRow(
            run_id=run.manifest.run_id,
            started_utc=run.manifest.started_utc,
            kind="run",
            scenario=run.manifest.scenario,
            arm=trial.arm,
            commit=commit.removesuffix(_DIRTY),
            dirty=commit.endswith(_DIRTY),
            machine=facts(),
            peak_mib=judgement.metrics.get(f"{trial.arm}.peak_mib"),
            throughput_per_s=judgement.metrics.get(f"{trial.arm}.finished_while_hanging_per_s"),
            verdict=Verdict.worst(each.verdict for each in judgement.checks if each.arm == trial.arm).value,
        )
        for trial in run.trials
        if trial.role != "profiled"
    ]
    _append(runs_dir, rows)


def remember_gate(runs_dir: Path, report: GateReport) -> None:
    """Append the candidate's medians."""
    commit = package_versions()["harness"]

    def median(metric: str) -> float | None:
        found = [
            repeat.figures[metric]
            for repeat in report.repeats
            if repeat.build == CANDIDATE and metric in repeat.figures
        ]
        return float(np.median(found)) if found else None

    row = HistoryRow(
        run_id=report.run_id,
        started_utc=report.started_utc,
        kind="gate",
        scenario=report.scenario,
        arm=report.candidate,
        commit=commit.removesuffix(_DIRTY),
        dirty=commit.endswith(_DIRTY),
        machine=report.machine,
        peak_mib=median("peak"),
        throughput_per_s=median("throughput"),
        verdict=report.verdict.value,
    )
    _append(runs_dir, [row])


def _append(runs_dir: Path, rows: Sequence[HistoryRow]) -> None:
    try:
        run_history.append(runs_dir, rows)
    except RunDirectoryError as error:
        say_error(str(error))
