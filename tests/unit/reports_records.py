"""Synthetic runs for the tests of the reports: a before arm that is killed twice, an after arm that stays flat.

Loaded by path through the fixture ``report_records`` of the conftest files; no test module itself. Times and sizes
resemble the incident's; nothing here was measured.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.record import (
    MIB,
    CallOutcome,
    ChannelSeen,
    CheckResult,
    DependencyCall,
    Drain,
    EndedBy,
    Event,
    Incarnation,
    Judgement,
    Limit,
    Manifest,
    MemorySeries,
    MetricRow,
    MinuteRow,
    Outcome,
    PhaseSpan,
    Publish,
    QueueKind,
    QueueLeft,
    QueueSample,
    ReportedPoint,
    Role,
    RunRecord,
    TrialRecord,
    Verdict,
    WorkerGauge,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT_BYTES = 3000 * MIB
_H = 3600.0
SAMPLE_S = 0.05
BEFORE, REPORTED, AFTER = "incident", "postmortem", "fixed"


def tod(text: str) -> float:
    """``11:42:04`` → seconds since midnight."""
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return hours * _H + minutes * 60.0 + seconds


def phases(*, burst_s: float) -> tuple[PhaseSpan, ...]:
    """Four phases; the burst lasts ``burst_s`` replay seconds: a before arm leaves it when it was restarted twice."""
    plan = [
        ("healthy", "11:00:00", "11:27:00", 18.0, 90.0),
        ("degraded", "11:27:00", "11:41:30", 43.5, 20.0),
        ("burst", "11:41:30", "11:46:00", burst_s, 5.0),
        ("recovery", "12:00:00", "12:10:00", 30.0, 20.0),
    ]
    spans, start_s = [], 0.0
    for name, from_, to, duration_s, scale in plan:
        spans.append(PhaseSpan(name, start_s, start_s + duration_s, tod(from_), tod(to), scale))
        start_s += duration_s
    return tuple(spans)


def _wobble(t_s: NDArray[np.float64], size_mib: float) -> NDArray[np.float64]:
    return size_mib * np.sin(t_s * 2.1) * np.sin(t_s * 0.37 + 1)


def series(*stretches: tuple[int, list[tuple[float, float]]]) -> MemorySeries:
    """Samples along straight lines between (replay second, MiB) knots, one stretch an incarnation."""
    times, values, incarnations = [], [], []
    for incarnation, knots in stretches:
        at = np.arange(knots[0][0], knots[-1][0], SAMPLE_S)
        mib = np.interp(at, [x for x, _ in knots], [y for _, y in knots])
        times.append(at)
        values.append((mib + _wobble(at, 9.0)) * MIB)
        incarnations.append(np.full(at.size, incarnation, dtype=np.int64))
    t_s, cgroup = np.concatenate(times), np.concatenate(values)
    nothing = np.zeros(cgroup.size)
    kinds = {
        "anonymous_bytes": cgroup * 0.98,
        "file_bytes": nothing,
        "inactive_file_bytes": nothing,
        "kernel_bytes": cgroup * 0.02,
    }
    return MemorySeries.of(t_s, np.concatenate(incarnations), cgroup * 0.985, cgroup, **kinds)


def channels(*prefetch: int) -> tuple[ChannelSeen, ...]:
    """A channel for each prefetch, one an incarnation."""
    return tuple(ChannelSeen(0.5, n, f"channel {n}", 1, count, 0) for n, count in enumerate(prefetch))


BEFORE_LINKS = (
    ("worker's log, first incarnation", "trials/incident/logs/worker-0.log"),
    ("RabbitMQ's log", "trials/incident/logs/rabbitmq.log"),
)


def before_trial() -> TrialRecord:
    """The worker as it was: 250 MiB, a climb, 3000 MiB, a kill, a second kill, and a recovery."""
    spans = phases(burst_s=52.0)
    kill_1_s, start_2_s, kill_2_s, start_3_s, end_s = 80.4, 81.0, 106.2, 107.2, 149.0
    return TrialRecord(
        arm=BEFORE,
        role=Role.BEFORE,
        limit=Limit("cgroup v1", emulated=False, limit_bytes=LIMIT_BYTES),
        phases=spans,
        incarnations=(
            Incarnation(0, 4101, -1.6, kill_1_s, 137, 1, LIMIT_BYTES, 2958 * MIB, EndedBy.KERNEL),
            Incarnation(1, 4177, start_2_s, kill_2_s, 137, 1, LIMIT_BYTES, 2949 * MIB, EndedBy.KERNEL),
            Incarnation(2, 4230, start_3_s, end_s, 0, 0, 412 * MIB, 398 * MIB, EndedBy.HARNESS),
        ),
        memory=series(
            (0, [(-1.6, 62), (0.0, 240), (17.5, 252), (40, 330), (52, 610), (61, 880), (66, 960), (kill_1_s, 3000)]),
            (1, [(start_2_s, 60), (83, 220), (kill_2_s, 3000)]),
            (2, [(start_3_s, 60), (110, 405), (118, 260), (125, 195), (end_s, 192)]),
        ),
        queue=tuple(
            QueueSample(float(t), 0 if t < 61 else max(0, int(900 - abs(t - 82) * 30)), min(940, t * 3), 0, t)
            for t in range(149)
        ),
        gauges=tuple(
            WorkerGauge(
                float(t),
                0 if t < 18 else int(min(930, (t - 18) ** 1.7 / 2)) if t < 80 else max(0, 700 - (t - 81) * 12),
                10,
                t,
                0,
                0,
            )
            for t in range(149)
        ),
        publishes=publishes(0.6),
        planned_messages=1000,
        calls=calls(),
        outcomes=(Outcome("conv-0001", "PROCESSED", None, 0, None),),
        events=(
            Event(0.0, "phase_entered", {"phase": "healthy"}),
            Event(18.0, "fault_applied", {"mode": "hang_then_500", "rate": 0.3}),
            Event(kill_1_s, "worker_ended", {"exit_status": 137, "incarnation": 0}),
        ),
        channels=channels(0, 0, 0),
        queues=(QueueLeft("work", QueueKind.WORK, 0, ()),),
        drain=Drain(complete=True, waited_s=8.4, last_seen="0 ready, 0 unacked, worker idle"),
        links=BEFORE_LINKS,
    )


def after_trial() -> TrialRecord:
    """The fixed worker: 150 MiB throughout, the burst played to its end."""
    spans = phases(burst_s=54.0)
    return TrialRecord(
        arm=AFTER,
        role=Role.AFTER,
        limit=Limit("cgroup v1", emulated=False, limit_bytes=LIMIT_BYTES),
        phases=spans,
        incarnations=(Incarnation(0, 5101, -1.4, 162.0, 0, 0, 187 * MIB, 181 * MIB, EndedBy.HARNESS),),
        memory=series((0, [(-1.4, 58), (1, 148), (60, 155), (90, 163), (162, 150)])),
        queue=tuple(
            QueueSample(float(t), 0 if t < 61 else max(0, min(940, (t - 61) * 45) - max(0, t - 85) * 22), 10, 0, t)
            for t in range(162)
        ),
        gauges=tuple(WorkerGauge(float(t), 0, 10, t, 0, 0) for t in range(162)),
        publishes=publishes(0.02),
        planned_messages=1000,
        calls=calls(),
        outcomes=(Outcome("conv-0001", "PROCESSED", None, 0, None),),
        events=(Event(0.0, "phase_entered", {"phase": "healthy"}),),
        channels=channels(10),
        queues=(QueueLeft("work", QueueKind.WORK, 0, ()),),
        drain=Drain(complete=True, waited_s=11.0, last_seen="0 ready, 0 unacked, worker idle"),
        links=(("memory profile: alive at the end", "trials/fixed/memray/alive-at-end.html"),),
    )


def publishes(late_s: float) -> tuple[Publish, ...]:
    """A thousand publishes, most of them in the burst, each later than it should be by up to ``late_s``."""
    intended = [n * 0.2 for n in range(300)] + [61 + n * 0.02 for n in range(700)]
    return tuple(
        Publish(
            f"conv-{n:04d}", at, at + late_s * (n % 10) / 10, None if n == 77 else at + late_s + 0.05, 3_050_000, None
        )
        for n, at in enumerate(intended)
    )


def calls() -> tuple[DependencyCall, ...]:
    """Six hundred calls: answered, hanging and answered 500, or given up by the worker."""
    made = []
    for n in range(600):
        arrived_s = n * 0.24
        if arrived_s < 17 or arrived_s > 125 or n % 3:
            made.append(
                DependencyCall(
                    "/answers",
                    f"conv-{n:04d}",
                    1,
                    "answer",
                    200,
                    arrived_s,
                    0.9 + n % 7 / 10,
                    CallOutcome.ANSWERED,
                )
            )
        elif n % 2:
            made.append(
                DependencyCall(
                    "/answers",
                    f"conv-{n:04d}",
                    1 + n % 4,
                    "hang_then_500",
                    500,
                    arrived_s,
                    3.0,
                    CallOutcome.ANSWERED,
                )
            )
        else:
            made.append(
                DependencyCall(
                    "/answers", f"conv-{n:04d}", 1, "hang_then_500", None, arrived_s, 2.4, CallOutcome.CLIENT_GONE
                )
            )
    return tuple(made)


def manifest() -> Manifest:
    """A manifest with the incident report's points."""
    told = [
        ("11:40:00", 400, 400, "20"),
        ("11:41:00", 600, 600, "40"),
        ("11:42:00", 740, 740, "+10"),
        ("11:42:01", 880, 880, "+10"),
    ]
    points = [ReportedPoint(tod(at), low * MIB, high * MIB, queue, "10 × 11 MB") for at, low, high, queue in told]
    return Manifest(
        run_id="20260102T093000Z-oom_1142-a1b2",
        scenario="oom_1142",
        claim="The worker as it was dies of memory when the dependency hangs during a burst; "
        "the fixed worker stays within 400 MiB and loses nothing.",
        seed=42,
        time_scale=20.0,
        started_utc="2026-01-02T09:30:00+00:00",
        command=("harness", "run", "scenarios/oom_1142.yaml", "--seed", "42"),
        versions={"harness": "0.1.0", "python": "3.11.7", "rabbitmq": "3.10.8", "toxiproxy": "2.12.0", "pika": "1.4.0"},
        machine={"kernel": "6.18", "cores": "2", "memory": "16 GiB"},
        limit_bytes=LIMIT_BYTES,
        reported_points=(*points, ReportedPoint(tod("11:42:04"), 2500 * MIB, 3000 * MIB, "", "")),
    )


def run() -> RunRecord:
    """Both arms, complete."""
    return RunRecord(manifest(), (before_trial(), after_trial()))


def three_arms() -> tuple[RunRecord, Judgement]:
    """The same run with the fix to the letter of the report in between: it survives, and needs three times as much."""
    after = after_trial()
    memory = replace(after.memory, rss_bytes=after.memory.rss_bytes * 3, cgroup_bytes=after.memory.cgroup_bytes * 3)
    incarnation = replace(after.incarnations[0], peak_cgroup_bytes=860 * MIB, peak_rss_bytes=850 * MIB)
    reported = replace(
        after, arm=REPORTED, role=Role.REPORTED, memory=memory, incarnations=(incarnation,), channels=channels(0)
    )
    found = judgement()
    over = CheckResult("over the budget", REPORTED, Verdict.PASS, "peak 860 MiB", "peak at least 600 MiB")
    comparison = tuple(
        replace(row, measured_after={REPORTED: "as the report says", **row.measured_after}) for row in found.comparison
    )
    run_of_three = RunRecord(manifest(), (before_trial(), reported, after))
    return run_of_three, replace(found, checks=(*found.checks, over), comparison=comparison)


def checks() -> tuple[CheckResult, ...]:
    """Checks of both arms, all of them passed."""
    ok = Verdict.PASS
    return (
        CheckResult(
            "oom_killed",
            BEFORE,
            ok,
            "2 kernel kills, exit 137, oom_kill +2, peak 3000 MiB",
            "≥ 2 kills, 2 restarts, peak ≥ 2970 MiB",
        ),
        CheckResult(
            "fidelity",
            BEFORE,
            ok,
            "typical factor 1.21 over 5 points",
            "≤ 1.50",
            "Largest at 11:42:01: 960 MiB for 880 MiB.",
        ),
        CheckResult("effective_prefetch", BEFORE, ok, "0 (unlimited) in 3 of 3 incarnations", "0"),
        CheckResult("returns_to_healthy", BEFORE, ok, "192 MiB, 0.76 × healthy", "≤ 1.5 × healthy (252 MiB)"),
        CheckResult("memory_budget", AFTER, ok, "187 MiB", "≤ 400 MiB"),
        CheckResult("never_killed", AFTER, ok, "1 incarnation, exit 0", "1 incarnation, ended by the harness"),
        CheckResult(
            "all_accounted",
            AFTER,
            ok,
            "999 of 999 confirmed: 712 processed, 287 failed with a retry",
            "0 lost, 0 unexpected",
        ),
        CheckResult(
            "throughput", AFTER, ok, "4.1 × incident (0.164 against 0.040 msg/s)", "≥ 3 × incident in degraded, burst"
        ),
    )


def metric(name: str, told_before: str, before: str, told_after: str, after: str) -> MetricRow:
    """One row of the before/after table of both arms."""
    return MetricRow(name, told_before, {BEFORE: before}, told_after, {AFTER: after})


def judgement() -> Judgement:
    """A run that passed."""
    return Judgement(
        verdict=Verdict.PASS,
        checks=checks(),
        comparison=(
            metric("memory API timeout", "240 s", "240.1 s", "60 s", "60.0 s"),
            metric(
                "retry",
                "NACK, requeued at once",
                "requeued 412 times",
                "FAILED, backoff + jitter",
                "287 rows FAILED, spread 4.8–7.2 h",
            ),
            metric("throughput", "0.04 msg/s", "0.040 msg/s", "0.17 msg/s", "0.164 msg/s"),
            metric("executor queue", "unbounded", "at most 930", "bounded, backpressure", "at most 0"),
        ),
        minutes=(
            MinuteRow(tod("11:40:00"), "~400 MB", "571 MiB", "20 messages", "312"),
            MinuteRow(tod("11:42:04"), "2.5–3 GB", "2988 MiB", "—", "930"),
        ),
        metrics={"incident.peak_mib": 3000.0, "fixed.peak_mib": 187.0, "fixed.budget_mib": 400.0},
    )


def judged(verdict: Verdict, detail: str = "The reason in full.") -> Judgement:
    """The same judgement with the memory budget at ``verdict``, and the run with it."""
    changed = tuple(
        replace(check, verdict=verdict, measured="612 MiB", detail=detail) if check.check == "memory_budget" else check
        for check in checks()
    )
    return replace(judgement(), verdict=verdict, checks=changed)


def partial_run() -> RunRecord:
    """A run that was interrupted at once: one arm with nothing in it."""
    return RunRecord(
        replace(manifest(), reported_points=()),
        (TrialRecord(BEFORE, Role.BEFORE, None, damaged=("events.jsonl: line 7 is cut off",)),),
    )


def emulated_run() -> RunRecord:
    """A run whose limit was a watchdog's, and whose cgroup was never sampled."""
    limit = Limit("watchdog", emulated=True, limit_bytes=LIMIT_BYTES)
    trials = []
    for trial in run().trials:
        series = replace(trial.memory, cgroup_bytes=np.full(trial.memory.t_s.size, np.nan))
        incarnations = tuple(
            replace(
                incarnation,
                ended_by=EndedBy.WATCHDOG if incarnation.ended_by == EndedBy.KERNEL else incarnation.ended_by,
                oom_kill_delta=0,
                peak_cgroup_bytes=None,
            )
            for incarnation in trial.incarnations
        )
        trials.append(replace(trial, limit=limit, memory=series, incarnations=incarnations))
    return RunRecord(manifest(), tuple(trials))
