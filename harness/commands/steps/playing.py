"""Plays an order, judges it, writes the report and prints the verdict: what ``run`` and ``reproduce`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.campaign import run_campaign
from harness.clock import format_time_of_day
from harness.commands.steps.judging import judged, write_report, write_verdict
from harness.commands.steps.output import ConsoleNarrator, results, shown
from harness.commands.steps.remembering import remember_run
from harness.incidents import heap_rules_of
from harness.load.arrivals import arrivals_of
from harness.load.schedule import schedule_hash
from harness.store import read_run
from harness.timeline.phases import planned_starts_s
from harness.trial.worker_program import worker_argv
from reports.for_machines.verdict_json import render_verdict_json
from reports.pages.heap_pages import render_difference_page, render_profile_pages
from reports.tables.heaps import profile_lines
from reports.text.terminal import verdict_lines, verdict_table
from reports.verdict_words import last_line

if TYPE_CHECKING:
    from pathlib import Path

    from harness.campaign import Order
    from harness.record import Judgement, RunRecord
    from harness.record.heap import HeapSummary


def play_and_judge(order: Order) -> int:
    """Do what was ordered and return the verdict's exit code."""
    options = order.options
    if options.dry_run:
        print_plan(order)
        return 0
    with ConsoleNarrator() as narrator:
        path = run_campaign(order, narrator)
        if options.profile:
            narrator.milestone("rendering the memory profiles")
            _render_profiles(path, order.scenario.incident)
        narrator.milestone("judging and writing the report")
        run, judgement = judged(path)
        write_verdict(path, run, judgement)
        page = write_report(path, run, judgement)
        remember_run(options.runs_dir, run, judgement)
    if options.as_json:
        results().print(render_verdict_json(run, judgement), markup=False)
        return judgement.verdict.exit_code
    for line in profile_lines(run):
        results().print(line, markup=False)
    print_verdict(run, judgement, page)
    return judgement.verdict.exit_code


def print_plan(order: Order) -> None:
    """Say what would be done: phases, messages, workers."""
    scenario = order.scenario
    starts_s = planned_starts_s(scenario)
    arrivals = arrivals_of(scenario, starts_s)
    bytes_about = len(arrivals) * (scenario.messages.size_min + scenario.messages.size_max) / 2
    end_s = max(end_s for _, end_s in starts_s.values())
    console = results()
    console.print(f"{scenario.name}: {scenario.claim}", markup=False)
    console.print(
        f"seed {scenario.seed}, 1:{scenario.time_scale:g}, memory limit {scenario.limit_bytes / 2**20:.0f} MiB"
    )
    console.print(
        f"{len(arrivals)} messages, about {bytes_about / 1e9:.2f} GB; schedule {schedule_hash(arrivals)[:16]}"
    )
    console.print(f"timeline, at most {end_s:.0f} s for each arm, then the drain:")
    for phase in scenario.timeline:
        start_s, phase_end_s = starts_s[phase.phase]
        clock = f"{format_time_of_day(phase.from_)}–{format_time_of_day(phase.to)}"
        scale = f"1:{scenario.scale_of(phase):g}"
        console.print(f"  {clock}  {phase.phase:<12} {start_s:6.1f}–{phase_end_s:6.1f} s  {scale}", markup=False)
    for plan in order.plans():
        console.print(
            f"arm {plan.folder_name} ({plan.role}): {' '.join(worker_argv(plan.spec.worker, scenario.incident))}",
            markup=False,
        )


def print_verdict(run: RunRecord, judgement: Judgement, page: Path) -> None:
    """Print the checks, where the report is, and last of all the verdict."""
    console = results()
    if console.is_terminal:
        console.print(verdict_table(judgement))
    else:
        for line in verdict_lines(run, judgement):
            console.print(line, markup=False)
    console.print(f"report: {shown(page)}", markup=False)
    console.print(last_line(judgement), markup=False)


def _render_profiles(path: Path, incident: str) -> None:
    """Render the flame graphs of every capture of the run, grouped by the incident's rules."""
    rules = heap_rules_of(incident)
    for capture in sorted(path.glob("trials/*/memray/*.bin")):
        render_profile_pages(capture, capture.parent, rules)
    run = read_run(path)
    before, after = (_heap(run, role) for role in ("before", "after"))
    if before is not None and after is not None:
        render_difference_page(before, after, path / "trials" / after[0] / "memray")


def _heap(run: RunRecord, role: str) -> tuple[str, HeapSummary] | None:
    """Return the profiled repeat of the first arm of ``role`` that has one, and the heap of its first incarnation."""
    twins = [run.repeat_of(trial.arm) for trial in run.trials if trial.role == role]
    heaps = [(twin.arm, heap) for twin in twins if twin is not None for heap in twin.heaps]
    return next((found for found in heaps if (found[1].incarnation, found[1].process) == (0, None)), None)
