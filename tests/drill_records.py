"""What a drill would leave behind: records of the scenario in ``tests/scenario_documents.py``, for the checkers' tests.

No test module itself. Every record passes every check; a test changes what it is about. Phases in replay seconds:
healthy 0 to 10, hanging 10 to 20, burst 20 to 40, recovery 40 to 48; an incident second is 0.1 s, in the burst 1 s.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from harness.checkers.case import Case
from harness.judging.judge import case_of
from harness.record import (
    MIB,
    CallOutcome,
    ChannelSeen,
    ConnectionSeen,
    DependencyCall,
    Drain,
    EndedBy,
    Event,
    FaultSpan,
    Incarnation,
    Limit,
    Manifest,
    MemorySeries,
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
    WorkerGauge,
)
from harness.scenario import Scenario
from tests.scenario_documents import document

BEFORE, AFTER = "incident", "fixed"
LIMIT_BYTES = 1000 * MIB
MB = 10**6
PHASES = (
    PhaseSpan("healthy", 0.0, 10.0, 39_600.0, 39_700.0, 10.0),
    PhaseSpan("hanging", 10.0, 20.0, 39_700.0, 39_800.0, 10.0),
    PhaseSpan("burst", 20.0, 40.0, 39_800.0, 39_820.0, 1.0),
    PhaseSpan("recovery", 40.0, 48.0, 39_820.0, 39_900.0, 10.0),
)
KILL_S, RESTART_S = 32.0, 33.0


def scenario(**changes: Any) -> Scenario:
    """Return the drill, with ``changes`` of its document."""
    return Scenario.model_validate(document(**changes))


def incarnation(index: int = 0, **changes: Any) -> Incarnation:
    """Return a whole incarnation that the harness ended, with ``changes``."""
    changes["ended_by"] = EndedBy(changes.get("ended_by", EndedBy.HARNESS))
    return replace(Incarnation(index, 4000, -1.0, 49.0, 0, 0, 300 * MIB, 290 * MIB, EndedBy.HARNESS), **changes)


def killed(index: int = 0, **changes: Any) -> Incarnation:
    """Return an incarnation that the kernel's OOM killer ended, with ``changes``."""
    return replace(
        Incarnation(index, 4000, -1.0, KILL_S, 137, 1, LIMIT_BYTES, 980 * MIB, EndedBy.KERNEL),
        **changes,
    )


def memory(*levels: tuple[float, float, int, float]) -> MemorySeries:
    """Return samples every 0.1 s at levels of (from second, to second, incarnation, resident bytes)."""
    times = [np.arange(start_s, end_s, 0.1) for start_s, end_s, _, _ in levels]
    t_s = np.concatenate(times)
    rss = np.concatenate([np.full(at.size, level[3]) for at, level in zip(times, levels, strict=True)])
    incarnations = np.concatenate([np.full(at.size, level[2]) for at, level in zip(times, levels, strict=True)])
    return charged(MemorySeries.of(t_s, incarnations.astype(np.int64), rss))


def charged(series: MemorySeries, file_bytes: float = 0.0) -> MemorySeries:
    """Return the samples with what the cgroup was charged: the resident sets, and file pages that can be dropped."""
    nothing, files = np.zeros(series.t_s.size), np.full(series.t_s.size, file_bytes)
    return replace(
        series,
        cgroup_bytes=series.rss_bytes + files,
        anonymous_bytes=series.rss_bytes,
        file_bytes=files,
        inactive_file_bytes=files,
        kernel_bytes=nothing,
    )


def climbing(series: MemorySeries, per_1000_bytes: float, acked_per_s: float = 1.0) -> MemorySeries:
    """Return the samples with a leak on top: so many bytes for a thousand finished messages."""
    leaked = series.t_s.clip(min=0) * acked_per_s * per_1000_bytes / 1000
    return charged(replace(series, rss_bytes=series.rss_bytes + leaked))


def raised_at_the_end() -> MemorySeries:
    """Return samples of a worker whose memory rises once all is drained, with no slope before."""
    return memory((0, 44, 0, 110 * MB), (44, 49, 0, 140 * MB))


def publishes(count: int = 50) -> tuple[Publish, ...]:
    """Return confirmed publishes, ten in the healthy phase and the rest in the burst, each sent as intended."""
    intended_s = [float(n) if n < 10 else 20.0 + (n - 10) / 4 for n in range(count)]
    return tuple(Publish(f"c-{n:03d}", at, at, at + 0.01, 1_500_000, None) for n, at in enumerate(intended_s))


def calls() -> tuple[DependencyCall, ...]:
    """Return calls that are answered while pika-mem0 is healthy, and hang for a minute (6 s) from 10 to 40 s."""
    processed = [row.message_id for row in rows() if row.status == "PROCESSED"]
    answered = [*(0.5 + n * 0.4 for n in range(20)), *(41.0 + n * 0.2 for n in range(len(processed) - 20))]
    hung = [11.0, 19.0, 28.0]
    return (
        *(
            DependencyCall("/extract_facts", name, 1, "answer", 200, at, 0.2, CallOutcome.ANSWERED, good=True)
            for name, at in zip(processed, answered, strict=True)
        ),
        *(
            DependencyCall("/extract_facts", "c-005", 2, "hang_then_500", 500, at, 6.0, CallOutcome.ANSWERED)
            for at in hung
        ),
    )


def queue(acked_per_s: float) -> tuple[QueueSample, ...]:
    """Return two samples a second, with messages finished at that rate."""
    return tuple(QueueSample(n / 2, 3, 10, 7, int(acked_per_s * n / 2)) for n in range(98))


def rows(count: int = 50) -> tuple[Outcome, ...]:
    """Return settled events: every fifth failed with its retry scheduled, the others processed."""
    return tuple(
        Outcome(f"c-{n:03d}", "FAILED", "MEMORY_API_TIMEOUT", 1, "2026-01-01 18:00:00")
        if n % 5 == 0
        else Outcome(f"c-{n:03d}", "PROCESSED", None, 0, None)
        for n in range(count)
    )


def channels(*prefetch: int) -> tuple[ChannelSeen, ...]:
    """Return a channel for each prefetch, one an incarnation."""
    return tuple(ChannelSeen(0.5, n, f"channel {n}", 1, count, 0) for n, count in enumerate(prefetch))


def fault(key: str, requested_s: float, **changes: Any) -> FaultSpan:
    """Return a fault that came, took effect a tenth of a second later and healed after ten, with ``changes``."""
    span = FaultSpan(key, "dependency_rules", "else hang_then_500", requested_s, requested_s + 0.1, requested_s + 10)
    return replace(span, **changes)


def trial(arm: str, **changes: Any) -> TrialRecord:
    """Return the whole record of an arm, with ``changes``."""
    is_before = arm == BEFORE
    record = TrialRecord(
        arm=arm,
        role=Role.BEFORE if is_before else Role.AFTER,
        limit=Limit("cgroup v1", emulated=False, limit_bytes=LIMIT_BYTES),
        phases=PHASES,
        incarnations=(killed(), incarnation(1, started_s=RESTART_S)) if is_before else (incarnation(),),
        memory=memory((0, 10, 0, 100 * MB), (10, KILL_S, 0, 450 * MB), (RESTART_S, 49, 1, 120 * MB))
        if is_before
        else memory((0, 49, 0, 110 * MB)),
        queue=queue(0.1 if is_before else 1.0),
        gauges=tuple(WorkerGauge(float(n), n, 10, n, 0, 0) for n in range(49)),
        publishes=publishes(),
        planned_messages=50,
        calls=calls(),
        outcomes=rows(),
        events=(Event(49.0, "trial_ended"),),
        faults=(fault("hanging.dependency", 10.0),),
        connections=(ConnectionSeen(0.5, 0, "127.0.0.1:40000 -> 127.0.0.1:5672", 0.5),),
        channels=channels(0, 0) if is_before else channels(10),
        queues=(QueueLeft("work", kind=QueueKind.WORK, messages=0, message_ids=()),),
        drain=Drain(complete=True, waited_s=2.0, last_seen="0 ready, 0 unacknowledged, 0 calls open"),
    )
    return replace(record, **changes)


def run_of(*trials: TrialRecord, **changes: Any) -> RunRecord:
    """Return a run of ``trials``; of both arms as they should be when none is given."""
    manifest = Manifest(
        run_id="20260101T110000Z-drill-0000",
        scenario="drill",
        claim="a drill",
        seed=7,
        time_scale=10.0,
        started_utc="2026-01-01T11:00:00+00:00",
        command=("harness", "run", "drill"),
        versions={},
        machine={},
        limit_bytes=LIMIT_BYTES,
        reported_points=(
            ReportedPoint(39_720.0, 400 * MB, 500 * MB, "20", "10"),
            ReportedPoint(39_810.0, 900 * MB, 1000 * MB, "", ""),
        ),
    )
    return RunRecord(replace(manifest, **changes), trials or (trial(BEFORE), trial(AFTER)))


def case(arm: str, **changes: Any) -> Case:
    """Return the case of ``arm`` in a run in which its record has ``changes``; the other arm is as it should be."""
    record = trial(arm, **changes)
    other = trial(AFTER if arm == BEFORE else BEFORE)
    return case_of(arm, record, run_of(record, other), scenario())
