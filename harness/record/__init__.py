"""The frozen values that a trial produces, and that checkers and reports read.

Everybody imports this module; it imports nothing of ours. It holds no behaviour beyond small derived figures.

Times. Every ``*_s`` of a trial is *replay time*: seconds of real time since the trial's start, on the machine's
monotonic clock. Incident time (the clock on the wall on 2026-01-01) is ``float`` seconds since midnight, named
``*_tod_s``; ``PhaseSpan`` maps one to the other. Sizes are bytes. MiB in prose is 2**20 bytes, MB is 10**6 bytes.
"""

from harness.record.matrix import Matrix, MatrixCell, MatrixRow
from harness.record.runs import PROFILED_SUFFIX, Manifest, ReportedMetric, ReportedPoint, RunRecord, profiled
from harness.record.trials import (
    Alert,
    DependencyCall,
    Drain,
    Event,
    Incarnation,
    Limit,
    MemorySeries,
    Outcome,
    PhaseSpan,
    Publish,
    QueueLeft,
    QueueSample,
    Scalar,
    TrialRecord,
    WorkerGauge,
)
from harness.record.verdicts import CheckResult, Judgement, MetricRow, MinuteRow, Verdict

MIB = 2**20

__all__ = [
    "MIB",
    "PROFILED_SUFFIX",
    "Alert",
    "CheckResult",
    "DependencyCall",
    "Drain",
    "Event",
    "Incarnation",
    "Judgement",
    "Limit",
    "Manifest",
    "Matrix",
    "MatrixCell",
    "MatrixRow",
    "MemorySeries",
    "MetricRow",
    "MinuteRow",
    "Outcome",
    "PhaseSpan",
    "Publish",
    "QueueLeft",
    "QueueSample",
    "ReportedMetric",
    "ReportedPoint",
    "RunRecord",
    "Scalar",
    "TrialRecord",
    "Verdict",
    "WorkerGauge",
    "profiled",
]
