"""Builds the report as plain values, in the order in which it is read; ``report.html`` and ``report.md`` lay it out.

Used by ``reports.pages.html_page`` and ``reports.pages.markdown``, so that both say the same. Holds no markup.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.clock import format_time_of_day
from harness.record import Verdict
from reports import wording
from reports.analysis import completeness
from reports.charts.captions import ChartText, chart_texts
from reports.tables import arms as arm_tables
from reports.tables import heaps as heap_tables
from reports.tables import worker as worker_tables
from reports.tables.message_flow import Flow, flows
from reports.tables.table import Column, Table, columns
from reports.verdict_words import WORDS, kill_words, peak_words, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.record import CheckResult, Judgement, Manifest, RunRecord, TrialRecord


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """One arm at a glance, and its checks."""

    arm: str
    role: str
    peak: str
    worker: str  # "killed 2 times", "never killed"
    drained: str
    enforcement: str
    emulated: bool
    checks: tuple[CheckResult, ...]
    links: tuple[tuple[str, str], ...]
    events: Table


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. ``verdict_word`` is in capitals; ``verdict`` is the enum's value, fit for a class name."""

    manifest: Manifest
    verdict: str
    verdict_word: str
    reason: str
    arms: tuple[ArmSummary, ...]
    stray_checks: tuple[CheckResult, ...]  # of arms that the run holds no trial of
    charts: Mapping[str, ChartText]
    compared: tuple[tuple[str, ...], tuple[str, ...]]  # the arms before, and the arms after, in ``metrics``
    metrics: Table
    minutes: Table
    flows: tuple[Flow, ...]
    phases: Table
    faults: Table
    incarnations: Table
    processes: Table
    heartbeats: Table
    load: Table
    calls: Table
    drain: Table
    queues: Table
    heaps: Table
    heap_sites: Table
    profiler: Table
    unscaled: tuple[str, ...]
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    replay: str
    versions: Table
    machine: Table

    @property
    def emulated(self) -> tuple[str, ...]:
        """The arms whose limit was emulated."""
        return tuple(arm.arm for arm in self.arms if arm.emulated)

    @property
    def heap_pages(self) -> tuple[tuple[str, str], ...]:
        """(label, path) of the pages made of captures: sites, difference, flame graphs."""
        return tuple(link for arm in self.arms for link in arm.links if "/memray/" in link[1])


def build_document(run: RunRecord, judgement: Judgement) -> Document:
    """Return the report of a run and its judgement."""
    manifest = run.manifest
    arms = {trial.arm for trial in run.trials}
    return Document(
        manifest=manifest,
        verdict=judgement.verdict.value,
        verdict_word=WORDS[judgement.verdict],
        reason=reason(run, judgement),
        arms=tuple(_summary(trial, run.manifest, judgement) for trial in run.trials),
        stray_checks=tuple(result for result in judgement.checks if result.arm not in arms),
        charts=chart_texts(run),
        compared=_compared(judgement),
        metrics=_metrics(judgement),
        minutes=_minutes(judgement),
        flows=flows(run),
        phases=arm_tables.phases(run),
        faults=arm_tables.faults(run),
        incarnations=worker_tables.incarnations(run),
        processes=worker_tables.processes(run),
        heartbeats=worker_tables.heartbeats(run),
        load=arm_tables.load(run),
        calls=arm_tables.calls(run),
        drain=arm_tables.drain(run),
        queues=arm_tables.queues(run),
        heaps=heap_tables.heap_table(run),
        heap_sites=heap_tables.sites_table(run),
        profiler=heap_tables.cost_table(run),
        unscaled=worker_tables.unscaled_timers(run),
        missing=completeness.missing(run, judgement),
        damaged=completeness.damaged(run),
        replay=shlex.join(manifest.command),
        versions=_pairs("versions", "Versions of the parts", "Part", "Version", manifest.versions),
        machine=_pairs("machine", "The machine", "What", "Value", manifest.machine),
    )


def _summary(trial: TrialRecord, manifest: Manifest, judgement: Judgement) -> ArmSummary:
    drained = {None: wording.NOT_RECORDED, True: "complete", False: "not complete"}
    return ArmSummary(
        arm=trial.arm,
        role=trial.role,
        peak=peak_words(trial) or wording.NOT_RECORDED,
        worker=kill_words(trial, manifest) if trial.incarnations else "no incarnation recorded",
        drained=drained[trial.drain.complete if trial.drain else None],
        enforcement=wording.enforcement(trial.limit),
        emulated=trial.limit is not None and trial.limit.emulated,
        checks=tuple(result for result in judgement.checks if result.arm == trial.arm),
        links=trial.links,
        events=arm_tables.events(trial),
    )


def check_table(key: str, caption: str, checks: tuple[CheckResult, ...]) -> Table:
    """Return checks with the measured value beside its threshold; the worst first."""
    order = [Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS]
    ranked = sorted(checks, key=lambda result: order.index(result.verdict))
    return Table(
        key,
        caption,
        columns("Check", "Verdict", "Measured", "Threshold", "Why"),
        tuple((r.check, WORDS[r.verdict], r.measured, r.threshold, r.detail) for r in ranked),
        "No check was made of this arm.",
    )


def _metrics(judgement: Judgement) -> Table:
    before, after = _compared(judgement)
    headings = ("Metric", "Before, reported", *before, "After, reported", *after)
    return Table(
        "metrics",
        "Before and after: what the incident report said beside what was measured of each arm.",
        tuple(Column(heading) for heading in headings),
        tuple(
            (
                row.metric,
                row.reported_before,
                *row.measured_before.values(),
                row.reported_after,
                *row.measured_after.values(),
            )
            for row in judgement.comparison
        ),
        "The run holds no before/after table.",
    )


def _compared(judgement: Judgement) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the arms on either side of the before/after table."""
    rows = judgement.comparison
    return (tuple(rows[0].measured_before), tuple(rows[0].measured_after)) if rows else ((), ())


def _minutes(judgement: Judgement) -> Table:
    return Table(
        "minutes",
        "Minute by minute: what the incident report said beside what was measured.",
        columns("Time", "Memory, reported", "Memory, measured", "Queue, reported", "Queue, measured"),
        tuple(
            (
                format_time_of_day(row.tod_s),
                row.reported_memory,
                row.measured_memory,
                row.reported_queue,
                row.measured_queue,
            )
            for row in judgement.minutes
        ),
        "The run holds no minute table.",
    )


def _pairs(key: str, caption: str, left: str, right: str, values: Mapping[str, str]) -> Table:
    return Table(key, caption, columns(left, right), tuple(values.items()), f"{caption}: {wording.NOT_RECORDED}.")
