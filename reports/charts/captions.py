"""Words each chart: a title, a caption for those who see it, an alternative text for those who do not.

Used by ``reports.pages.document``. The names are those of ``reports.charts.all_charts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.record.facts import mib
from reports.charts.memory_kinds import has_kinds
from reports.verdict_words import outcomes
from reports.wording import count, moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.record import RunRecord, TrialRecord

_AXIS = (
    "The axis is linear in replay seconds inside each phase, and labelled in incident time; each phase has its own "
    "scale, written beside its name (×20 is 20 incident seconds in a replay second). Arms are aligned at each phase's "
    "start; a curve stops where its arm left the phase early."
)
_AXIS_UNPHASED = "The run recorded no phase, so the axis is replay seconds since each trial's start."


@dataclass(frozen=True, slots=True)
class ChartText:
    """The words that go with one chart."""

    title: str
    caption: str
    alt: str


def chart_texts(run: RunRecord) -> dict[str, ChartText]:
    """Return the words of each chart by its name, in the order in which charts are shown."""
    axis = _AXIS if any(trial.phases for trial in run.trials) else _AXIS_UNPHASED
    points = run.manifest.reported_points
    reported = f" The capped bars are the incident report's own figures ({count(len(points), 'point')})."
    return {
        "memory": ChartText(
            "All arms, the whole replay",
            f"{_measure(run.trials)} {axis} Crosses stand at an incarnation's high-water mark, which none can miss."
            f"{reported if points else ''}",
            f"Line chart of memory in MiB over incident time: {outcomes(run)}.",
        ),
        "memory-before-kill": ChartText(
            "From the report's first figure to the first kill" if points else "Before the first kill",
            "The same chart, closer."
            + (" The incident report's figures stand beside the curve, each with its MiB." if points else ""),
            "Line chart of memory in MiB up to the first kill.",
        ),
        "memory-kinds": ChartText(
            "What the memory was made of",
            "What the worker's cgroup is charged with, of all its processes: anonymous memory, file pages, the "
            "kernel's own. The line is the working set, without the file pages that the kernel drops first. Each panel "
            "has a height of its own.",
            f"Stacked area charts of memory by kind over incident time. {_made_of(run.trials)}",
        ),
        "queues": ChartText(
            "Where the messages waited",
            "Messages ready in the work queue, delivered but not acknowledged, still moving in other queues of the "
            "trial, and waiting in the worker's own executor queue, one panel an arm. The time axis is the memory "
            "chart's.",
            f"Line charts of queue depth over incident time. {_deepest(run.trials)}",
        ),
        "load": ChartText(
            "Offered and confirmed",
            "Messages so far: as the schedule intended them, and as the broker confirmed them. "
            "Where the lines part, the load was not delivered in time.",
            "Line charts of messages offered and confirmed over incident time. The table below has the counts.",
        ),
        "calls": ChartText(
            "What met each call, and how it ended",
            "Calls of the dependency per replay second by when they arrived, stacked by the mode that they met and by "
            "how they ended.",
            "Stacked bar charts of calls of the dependency over incident time. The table below has the counts.",
        ),
    }


def _measure(trials: Sequence[TrialRecord]) -> str:
    """Say what the memory curve is."""
    sampled = [trial for trial in trials if trial.memory.t_s.size]
    by_cgroup = [trial.arm for trial in sampled if np.isfinite(trial.memory.working_set_bytes).any()]
    what = "The working set of all the worker's processes: what its cgroup is charged with, less the file pages that "
    what += "the kernel drops first"
    if len(by_cgroup) == len(sampled):
        return f"{what}."
    if not by_cgroup:
        return "The resident sets of all the worker's processes; no cgroup was sampled."
    return f"{what} ({', '.join(by_cgroup)}); the resident sets of the other arms, which had no cgroup."


def _made_of(trials: Sequence[TrialRecord]) -> str:
    """Say what each arm's memory was made of when most was charged."""
    sentences = []
    for trial in trials:
        memory = trial.memory
        if has_kinds(trial):
            at = int(np.nanargmax(memory.cgroup_bytes))
            kinds = (
                (memory.anonymous_bytes, "anonymous"),
                (memory.file_bytes, "file pages"),
                (memory.kernel_bytes, "kernel"),
            )
            shares = ", ".join(f"{mib(float(kind[at]))} {name}" for kind, name in kinds if np.isfinite(kind[at]))
            sentences.append(f"{trial.arm} at its highest: {shares}.")
    return " ".join(sentences)


def _deepest(trials: Sequence[TrialRecord]) -> str:
    """Say how deep each arm's queues became, and when."""
    sentences = []
    for trial in trials:
        if trial.gauges:
            depths = np.array([gauge.executor_queue for gauge in trial.gauges])
            deepest = trial.gauges[int(depths.argmax())]
            at = moment(trial.phases, deepest.t_s)
            sentences.append(
                f"{trial.arm}: at most {count(deepest.executor_queue, 'message')} in the executor queue, at {at}."
            )
        if trial.queue:
            sentences.append(
                f"{trial.arm}: at most {count(max(s.ready for s in trial.queue), 'message')} ready in the broker."
            )
    return " ".join(sentences)
