"""``harness postmortem RUN``: the last seconds of a worker of a stored run, as an engineer on call reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.steps import options
from harness.commands.steps.output import results
from harness.errors import UsageError
from harness.options import RUNS_DIR
from harness.store import read_run
from harness.store.flight_files import read_flight
from reports.analysis.kills import killed_incarnations
from reports.analysis.postmortem import postmortem as put_together
from reports.text.postmortem import as_document, postmortem_lines

if TYPE_CHECKING:
    from harness.record import Incarnation, RunRecord, TrialRecord


def postmortem(
    run: Annotated[Path, typer.Argument(help="A run directory, or 'latest'.")] = Path("latest"),
    arm: Annotated[
        str | None, typer.Option(help="The arm; by default the first one in which a process was killed.")
    ] = None,
    incarnation: Annotated[
        int | None, typer.Option(help="The incarnation, from 0; by default the first in which a process was killed.")
    ] = None,
    runs_dir: options.RunsDir = RUNS_DIR,
    as_json: options.Json = False,
) -> int:
    """Print how an incarnation of the worker ended, and the 30 seconds before.

    Where a process was killed and the first one lived on, it is the 30 seconds before that kill.

    Starts nothing; a run that was cut off will do.

    \b
    Examples:
      harness postmortem
      harness postmortem runs/20260101T114204Z-incident_1142-4c1f --arm incident --incarnation 1
      harness postmortem latest --json
    """
    path = runs_dir / "latest" if str(run) == "latest" else run
    record = read_run(path)
    trial = _trial(record, arm)
    chosen = _incarnation(record, trial, incarnation)
    flight = read_flight(path / "trials" / trial.arm / "flight", chosen.pid, trial.start_mono_s)
    found = put_together(record, trial, chosen, flight)
    run_id = record.manifest.run_id
    text = as_document(found, run_id) if as_json else "\n".join(postmortem_lines(found, run_id))
    results().print(text, markup=False)
    return 0


def _trial(record: RunRecord, arm: str | None) -> TrialRecord:
    names = ", ".join(trial.arm for trial in record.trials) or "none"
    if arm is None:
        killed = [trial for trial in record.trials if killed_incarnations(trial, record.manifest)]
        trial = next(iter([*killed, *record.trials]), None)
    else:
        trial = record.trial(arm)
    if trial is None:
        raise UsageError(f"--arm {arm or '(not given)'}: the run has no such arm; it has: {names}")
    return trial


def _incarnation(record: RunRecord, trial: TrialRecord, index: int | None) -> Incarnation:
    incarnations = ", ".join(str(incarnation.index) for incarnation in trial.incarnations) or "none"
    if index is None:
        found = next(iter([*killed_incarnations(trial, record.manifest), *reversed(trial.incarnations)]), None)
    else:
        found = next((incarnation for incarnation in trial.incarnations if incarnation.index == index), None)
    if found is None:
        given = "(not given)" if index is None else index
        raise UsageError(
            f"--incarnation {given}: the worker of arm {trial.arm} has no such incarnation; it has: {incarnations}"
        )
    return found
